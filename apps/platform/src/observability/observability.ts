import type { Policy } from '@plimsoll/resilience'
import type { FastifyInstance } from 'fastify'
import type { Settings } from '../settings.ts'

/** What the composition root tells to an OpenTelemetry collector, or nothing at all. */
export interface Observability {
  /** A span for each request of `app`, and its context for whatever the request does. Before any other hook. */
  traceRequests(app: FastifyInstance): void
  /** The policy, with its metrics exported and its calls traced. */
  observe(policy: Policy): Policy
  /** Headers that carry the trace of what is being done to another service: W3C `traceparent`. */
  outboundHeaders(): Record<string, string>
  /** What each line of the log says of the trace that it belongs to. */
  logFields(): Record<string, string>
  /** Sends what has not been sent, for two seconds at most, and ends. */
  close(): Promise<void>
}

export const noObservability: Observability = {
  traceRequests() {},
  observe: policy => policy,
  outboundHeaders: () => ({}),
  logFields: () => ({}),
  async close() {}
}

/** The SDK takes time to load and memory to keep: it is loaded only where something is to be exported. */
export async function startObservability(
  { otlpEndpoint }: Pick<Settings, 'otlpEndpoint'>,
  serviceName: string
): Promise<Observability> {
  if (otlpEndpoint === '') return noObservability
  const { exportOtlp } = await import('./otlp.ts')
  return exportOtlp({ endpoint: otlpEndpoint, serviceName })
}
