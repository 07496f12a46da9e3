import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { describe, it, type TestContext } from 'node:test'
import { openScratch } from '@plimsoll/database/testing'
import { createServer as createHttp } from '@plimsoll/http'
import { createTelemetry } from '@plimsoll/service-telemetry'
import pino from 'pino'
import { noObservability, startObservability } from './observability.ts'

interface Span {
  name: string
  traceId: string
  spanId: string
  parentSpanId?: string
}
interface Exported {
  resourceSpans?: { scopeSpans: { spans: Span[] }[] }[]
  resourceMetrics?: { scopeMetrics: { metrics: { name: string }[] }[] }[]
}
interface Asked {
  path: string
  headers: IncomingHttpHeaders
  body: unknown
}

/** A real server that keeps what it is sent. */
async function receiver(t: TestContext, answer: () => unknown) {
  const asked: Asked[] = []
  const server = createServer(async (request, response) => {
    asked.push({ path: request.url!, headers: request.headers, body: await json(request) })
    response.setHeader('content-type', 'application/json').end(JSON.stringify(answer()))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

describe('what is told to a collector', () => {
  it('is one trace from the caller through the request to the metadata call, its metrics, and the lines of the log', async t => {
    const collector = await receiver(t, () => ({}))
    const ann = { tier: 'pro', region: 'eu', flags: {} }
    const metadata = await receiver(t, () => ({ users: { ann }, absent: [] }))
    const observability = await startObservability({ otlpEndpoint: `${collector.url}/` }, 'plimsoll')
    const lines: { msg: string; trace_id?: string; span_id?: string }[] = []
    const logger = pino({ mixin: observability.logFields }, { write: line => lines.push(JSON.parse(line)) })

    const database = await openScratch()
    const telemetry = await createTelemetry({
      database,
      metadataUrl: metadata.url,
      adminToken: 'admin',
      observe: observability.observe,
      outboundHeaders: observability.outboundHeaders
    })
    const app = await createHttp({ title: 'a', version: '1' })
    observability.traceRequests(app)
    app.addHook('preHandler', async () => logger.info('handling'))
    await app.register(telemetry.routes)
    const url = await app.listen({ host: '127.0.0.1', port: 0 })
    const { token } = await telemetry.keys.create('shop')

    const caller = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) }
    const response = await fetch(`${url}/v1/events?secret=1`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        traceparent: `00-${caller.traceId}-${caller.spanId}-01`
      },
      body: JSON.stringify({
        id: randomUUID(),
        type: 'session.start',
        time: new Date().toISOString(),
        user: { id: 'ann' },
        session: { id: randomUUID() }
      })
    })
    assert.equal(response.status, 200, await response.text())
    logger.info('outside')
    await app.close()
    await telemetry.stop()
    await observability.close()
    await database.close()

    const exported = collector.asked.map(({ body }) => body as Exported)
    const spans = exported.flatMap(({ resourceSpans = [] }) =>
      resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(scope => scope.spans))
    )
    const server = spans.find(({ name }) => name === 'POST /v1/events')
    const call = spans.find(({ name }) => name === 'resilience metadata')
    assert.ok(server && call, spans.map(({ name }) => name).join())
    assert.deepEqual([server.traceId, server.parentSpanId], [caller.traceId, caller.spanId])
    assert.deepEqual([call.traceId, call.parentSpanId], [caller.traceId, server.spanId])
    assert.equal(metadata.asked[0]!.headers.traceparent, `00-${caller.traceId}-${call.spanId}-01`)
    assert.ok(!JSON.stringify(spans).includes('secret'), 'a query is not for traces')

    const metrics = exported.flatMap(({ resourceMetrics = [] }) =>
      resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(scope => scope.metrics))
    )
    assert.ok(metrics.some(({ name }) => name === 'resilience.policy.calls'))
    assert.deepEqual(new Set(collector.asked.map(({ path }) => path)), new Set(['/v1/traces', '/v1/metrics']))
    assert.ok(collector.asked.every(({ headers }) => headers['content-type'] === 'application/json'))

    assert.deepEqual(
      lines.map(({ msg, trace_id, span_id }) => [msg, trace_id, span_id]),
      [
        ['handling', caller.traceId, server.spanId],
        ['outside', undefined, undefined]
      ]
    )
  })

  it('is nothing, and nothing is loaded for it, unless a collector is set', async () => {
    assert.equal(await startObservability({ otlpEndpoint: '' }, 'plimsoll'), noObservability)
  })
})
