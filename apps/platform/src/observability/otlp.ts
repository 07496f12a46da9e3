import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { instrument } from '@plimsoll/resilience/opentelemetry'
import type { Observability } from './observability.ts'
import { outboundHeaders, traceRequests } from './trace-requests.ts'

export interface OtlpOptions {
  /** Where the collector takes OTLP over HTTP, without the path: `/v1/traces` and `/v1/metrics` are added. */
  endpoint: string
  serviceName: string
  /** How often metrics are sent, in milliseconds. Default 15,000. */
  metricsEveryMs?: number
}

/** What is not sent by then at the end is lost: a collector that is away must not hold up a stop. */
const closeMs = 2_000
/** How long one export may take. */
const exportMs = 5_000

/**
 * Sends traces and metrics to a collector by OTLP/HTTP as JSON. Bounded: 2,048 spans wait at most, the rest are dropped;
 * an export that fails is dropped after the exporter's own retries. Nothing of it can fail a request.
 */
export function exportOtlp({ endpoint, serviceName, metricsEveryMs = 15_000 }: OtlpOptions): Observability {
  const base = endpoint.replace(/\/+$/, '')
  const resource = resourceFromAttributes({ 'service.name': serviceName })
  const tracers = new TracerProvider({
    resource,
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter({ url: `${base}/v1/traces`, timeoutMillis: exportMs }),
        maxQueueSize: 2_048
      })
    ]
  })
  const meters = new MeterProvider({
    resource,
    readers: [
      new PeriodicExportingMetricReader({
        exporter: new OTLPMetricExporter({ url: `${base}/v1/metrics`, timeoutMillis: exportMs }),
        exportIntervalMillis: metricsEveryMs,
        exportTimeoutMillis: Math.min(exportMs, metricsEveryMs)
      })
    ]
  })
  // The one global of the API that cannot be handed on: who runs in which context.
  const manager = new AsyncLocalStorageContextManager().enable()
  context.setGlobalContextManager(manager)
  const propagator = new W3CTraceContextPropagator()
  const tracer = tracers.getTracer('plimsoll')
  const ends: (() => void)[] = []

  return {
    traceRequests: app => traceRequests(app, tracer, propagator),
    observe(policy) {
      const watched = instrument(policy, { meter: meters.getMeter('plimsoll'), tracer, spans: true })
      ends.push(() => watched[Symbol.dispose]())
      return watched
    },
    outboundHeaders: () => outboundHeaders(propagator),
    logFields() {
      const span = trace.getActiveSpan()?.spanContext()
      return span === undefined ? {} : { trace_id: span.traceId, span_id: span.spanId }
    },
    async close() {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<void>(resolve => {
        timer = setTimeout(resolve, closeMs)
      })
      // Metrics are read once more, so the policies are let go of after that.
      await Promise.race([Promise.allSettled([tracers.shutdown(), meters.shutdown()]), late])
      clearTimeout(timer)
      for (const end of ends.splice(0)) end()
      context.disable()
    }
  }
}
