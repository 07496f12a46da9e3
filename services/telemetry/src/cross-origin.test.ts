import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createServer } from '@plimsoll/http'
import { crossOrigin } from './routes/cross-origin.ts'
import { type RunningTelemetry, runTelemetry } from './testing.ts'

const page = 'https://shop.example'

describe('a page of another origin', () => {
  let run: RunningTelemetry
  before(async () => {
    run = await runTelemetry()
  })
  after(() => run.close())

  for (const path of ['/v1/events', '/v1/losses']) {
    it(`may post to ${path}: the preflight needs no key, and allows what the SDK sends`, async () => {
      const headers = { origin: page, 'access-control-request-method': 'POST' }
      const preflight = await run.send('OPTIONS', path, { headers, token: null })
      assert.equal(preflight.status, 204)
      assert.equal(preflight.headers.get('access-control-allow-origin'), '*')
      assert.equal(preflight.headers.get('access-control-allow-methods'), 'POST')
      assert.match(preflight.headers.get('access-control-allow-headers')!, /Authorization.*Content-Encoding.*X-Sent-At/)
      assert.equal(preflight.headers.get('access-control-allow-credentials'), null)
    })

    it(`may read what ${path} answers, a refusal too, and when to come back`, async () => {
      for (const [token, status] of [
        [run.writeKey, 400],
        [null, 401]
      ] as const) {
        const answer = await run.send('POST', path, { headers: { origin: page }, body: '{', token })
        assert.equal(answer.status, status)
        assert.equal(answer.headers.get('access-control-allow-origin'), '*')
        assert.match(answer.headers.get('access-control-expose-headers')!, /Retry-After/)
      }
    })
  }

  it('may call nothing else', async () => {
    const headers = { origin: page }
    const ledger = await run.send('GET', '/v1/ledger', { headers: { ...headers, 'x-plimsoll-project': 'shop' } })
    assert.equal(ledger.status, 200)
    const session = await run.send('POST', '/v1/sessions', { headers, body: {} })
    const preflight = await run.send('OPTIONS', '/v1/sessions', { headers, token: null })
    assert.notEqual(preflight.status, 204)
    for (const answer of [ledger, session, preflight]) {
      assert.equal(answer.headers.get('access-control-allow-origin'), null)
    }
  })

  it('has to be on the list where there is one', async () => {
    const app = await createServer({ title: 'T', version: '1' })
    const pages = crossOrigin(app, [page])
    app.addHook('onRequest', async (request, reply) => pages.allow(request, reply))
    const allowed = async (origin: string) =>
      (await app.inject({ method: 'OPTIONS', url: '/v1/events', headers: { origin } })).headers
    assert.equal((await allowed(page))['access-control-allow-origin'], page)
    assert.equal((await allowed(page)).vary, 'Origin')
    assert.equal((await allowed('https://other.example'))['access-control-allow-origin'], undefined)
    await app.close()
  })
})
