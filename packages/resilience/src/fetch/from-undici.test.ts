import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Pool } from 'undici'
import { policy } from '../policy.ts'
import { retry } from '../retry/retry.ts'
import { fromUndici } from './from-undici.ts'
import { startServer } from './test-server.ts'

describe('undici’s request in a policy', () => {
  it('is repeated for a status that is a failure, on the same connection, and answered by any other', async t => {
    const server = await startServer(t, (_, response) => {
      response.writeHead(server.requests.length < 3 ? 503 : 404, { 'retry-after': '0' }).end('body')
    })
    const pool = new Pool(server.url, { connections: 1 })
    t.after(() => pool.close())
    const p = policy('p', [retry({ idempotent: true, baseMs: 0 })])
    const { statusCode, body } = await p.run(({ signal }) =>
      fromUndici(pool.request({ method: 'GET', path: '/', signal }))
    )
    assert.deepEqual([statusCode, await body.text()], [404, 'body'])
    assert.deepEqual([server.requests.length, server.connections()], [3, 1])
  })

  it('says when to come back, and whether to', async t => {
    const at = Date.UTC(2026, 0, 1)
    const { url } = await startServer(t, (_, response) =>
      response
        .writeHead(429, { 'retry-after': new Date(at + 5_000).toUTCString(), 'x-retry-budget': 'exhausted' })
        .end('x'.repeat(1_000))
    )
    const pool = new Pool(url)
    t.after(() => pool.close())
    await assert.rejects(fromUndici(pool.request({ method: 'GET', path: '/' }), { wallNow: () => at }), {
      name: 'HttpStatusError',
      code: 'RESILIENCE_HTTP_STATUS',
      status: 429,
      retryAfterMs: 5_000,
      retryable: false
    })
  })
})
