import {
  type Context,
  context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  type TextMapPropagator,
  type Tracer,
  trace
} from '@opentelemetry/api'
import type { FastifyInstance, FastifyRequest } from 'fastify'

/**
 * A span for each request, a child of the caller's when the request has a `traceparent`. Names and attributes are
 * OpenTelemetry's for HTTP; the query is left out, which may hold what is not for traces.
 */
export function traceRequests(app: FastifyInstance, tracer: Tracer, propagator: TextMapPropagator): void {
  const contexts = new WeakMap<FastifyRequest, Context>()
  app.addHook('onRequest', (request, _reply, done) => {
    const callers = propagator.extract(ROOT_CONTEXT, request.headers, defaultTextMapGetter)
    const route = request.routeOptions.url
    const span = tracer.startSpan(
      route === undefined ? request.method : `${request.method} ${route}`,
      {
        kind: SpanKind.SERVER,
        attributes: {
          'http.request.method': request.method,
          'url.path': request.url.replace(/\?.*$/s, ''),
          ...(route !== undefined && { 'http.route': route })
        }
      },
      callers
    )
    const own = trace.setSpan(callers, span)
    contexts.set(request, own)
    context.with(own, done)
  })
  // A body comes in the socket's context and not in the request's: what follows it must be told again.
  app.addHook('preValidation', (request, _reply, done) => context.with(contexts.get(request) ?? ROOT_CONTEXT, done))
  const end = (request: FastifyRequest, status: number | null) => {
    const own = contexts.get(request)
    const span = own && trace.getSpan(own)
    contexts.delete(request)
    if (status !== null) span?.setAttribute('http.response.status_code', status)
    if (status === null || status >= 500) span?.setStatus({ code: SpanStatusCode.ERROR })
    span?.end()
  }
  app.addHook('onResponse', async (request, reply) => end(request, reply.statusCode))
  app.addHook('onRequestAbort', async request => end(request, null))
}

/** W3C trace context of what is being done, as headers. */
export function outboundHeaders(propagator: TextMapPropagator): Record<string, string> {
  const headers: Record<string, string> = {}
  propagator.inject(context.active(), headers, defaultTextMapSetter)
  return headers
}
