import assert from 'node:assert/strict'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { breaker } from '../breaker/breaker.ts'
import { bulkhead } from '../bulkhead/bulkhead.ts'
import { deadline } from '../deadline.ts'
import { RetryBudgetExhaustedError } from '../errors.ts'
import { fallback } from '../fallback.ts'
import { hedge } from '../hedge/hedge.ts'
import { manualClock } from '../manual-clock.ts'
import { policy } from '../policy.ts'
import { formatRetryBudgetHeader, RETRY_BUDGET_HEADER } from '../retry/budget-header.ts'
import { retry } from '../retry/retry.ts'
import { timeout } from '../timeout.ts'
import { resilientFetch } from './resilient-fetch.ts'
import { failsOnStatus, HttpStatusError } from './status.ts'
import { startServer } from './test-server.ts'

const bare = () => resilientFetch(policy('p', []))
/** On the system's clock, but without a wait. */
const retrying = () => resilientFetch(policy('p', [retry({ attempts: 3, baseMs: 0, budget: { minPerSecond: 1_000 } })]))

describe('a resilient fetch', () => {
  it('answers with the response, and takes a 404 and a 501 for answers too', async t => {
    const { url } = await startServer(t, (request, response) => {
      response.writeHead(Number(request.url!.slice(1))).end('hello')
    })
    for (const status of [200, 301, 400, 401, 404, 409, 422, 501]) {
      const response = await bare()(`${url}/${status}`, { redirect: 'manual' })
      assert.equal(response.status, status)
      assert.equal(await response.text(), 'hello')
    }
  })

  it('rejects for what is no answer, and says which status and when to come back', async t => {
    const asks: Record<string, string> = { '/503': '7', '/429': new Date(Date.UTC(2026, 0, 1, 0, 0, 30)).toUTCString() }
    const { url } = await startServer(t, (request, response) => {
      const asked = asks[request.url!.replace(/\?.*/, '')]
      response.writeHead(Number(request.url!.slice(1, 4)), asked === undefined ? {} : { 'retry-after': asked }).end()
    })
    const send = resilientFetch(policy('p', [], { clock: manualClock(Date.UTC(2026, 0, 1)) }))
    for (const [status, retryAfterMs] of [
      [503, 7_000],
      [429, 30_000],
      [408, null],
      [425, null],
      [500, null],
      [502, null],
      [504, null]
    ] as const) {
      await assert.rejects(send(`${url}/${status}?token=secret`), (error: Error) => {
        assert.ok(error instanceof HttpStatusError)
        assert.deepEqual([error.status, error.retryAfterMs, error.retryable], [status, retryAfterMs, true])
        assert.equal(error.message, `GET ${url}/${status} was answered with ${status}`)
        return true
      })
    }
  })

  it('keeps the connection of an error for the next request, and cancels a body without end', async t => {
    let endBody = () => {}
    const small = await startServer(t, (_, response) => {
      response.writeHead(503).write('x'.repeat(10_000))
      endBody = () => response.end('the rest')
    })
    // The rest of the body is on its way when the client decides what to do with it, and not there yet.
    const send = async (...args: Parameters<typeof fetch>) => {
      const response = await fetch(...args)
      endBody()
      return response
    }
    for (let i = 0; i < 10; i++)
      await assert.rejects(resilientFetch(policy('p', []), { fetch: send })(small.url), { status: 503 })
    assert.ok(small.connections() <= 2, `${small.connections()} connections`)

    let closed: Promise<unknown> | undefined
    const endless = await startServer(t, (_, response) => {
      closed = once(response, 'close')
      response.on('error', () => {})
      const write = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      }
      response.writeHead(503).on('drain', write)
      write()
    })
    await assert.rejects(bare()(endless.url), { status: 503 })
    await closed
  })

  it('repeats what is idempotent by its method or has an Idempotency-Key, and nothing else', async t => {
    const { url, requests } = await startServer(t, (_, response) => response.writeHead(503).end())
    const sent = async (method: string, headers: HeadersInit = {}, idempotent?: boolean) => {
      const before = requests.length
      const init = { method, headers, ...(idempotent !== undefined && { policy: { idempotent } }) }
      await assert.rejects(retrying()(url, init), { status: 503 })
      return requests.length - before
    }
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'put']) assert.equal(await sent(method), 3, method)
    for (const method of ['POST', 'PATCH']) assert.equal(await sent(method), 1, method)
    assert.equal(await sent('POST', { 'Idempotency-Key': 'a' }), 3)
    assert.equal(await sent('POST', {}, true), 3)
    assert.equal(await sent('GET', {}, false), 1)
  })

  it('never repeats a POST because the policy says that its calls are idempotent (istio #50506)', async t => {
    const { url, requests } = await startServer(t, (_, response) => response.writeHead(503).end())
    const send = resilientFetch(policy('payments', [retry({ idempotent: true, baseMs: 0 })]))
    await assert.rejects(send(url, { method: 'POST', body: 'pay' }), { status: 503 })
    assert.equal(requests.length, 1)
  })

  it('sends a body again with each attempt, and never a stream', async t => {
    const bodies: string[] = []
    const { url } = await startServer(t, async (request, response) => {
      bodies.push(await text(request))
      response.writeHead(bodies.length % 2 === 1 ? 503 : 200).end()
    })
    await retrying()(url, { method: 'PUT', body: 'again' })
    await retrying()(new Request(url, { method: 'PUT' }), { body: 'in init' })
    assert.deepEqual(bodies, ['again', 'again', 'in init', 'in init'])

    const init = { method: 'PUT', body: new Blob(['stream']).stream(), duplex: 'half', policy: { idempotent: true } }
    await assert.rejects(retrying()(url, init), { status: 503 })
    assert.deepEqual(bodies.slice(4), ['stream'])
  })

  it('never sends the body of a Request twice, whatever was said and whatever it was made of', async t => {
    const bodies: string[] = []
    const { url } = await startServer(t, async (request, response) => {
      bodies.push(await text(request))
      response.writeHead(503).end()
    })
    const hedging = resilientFetch(policy('h', [retry({ idempotent: true, baseMs: 0 }), hedge({ afterMs: 1 })]))
    const bodyOf = { text: () => 'text', stream: () => new Blob(['stream']).stream() }
    for (const send of [retrying(), hedging]) {
      for (const make of [bodyOf.text, bodyOf.stream]) {
        for (const init of [{}, { body: null }]) {
          const made = { method: 'PUT', body: make(), duplex: 'half' }
          await assert.rejects(send(new Request(url, made), { ...init, policy: { idempotent: true } }), { status: 503 })
        }
      }
    }
    assert.deepEqual(bodies, ['text', 'text', 'stream', 'stream', 'text', 'text', 'stream', 'stream'])
  })

  it('repeats a Request without a body, over and over', async t => {
    const { url, requests } = await startServer(t, (_, response) => response.writeHead(503).end())
    const request = new Request(url, { headers: { 'x-own': 'kept' } })
    for (const times of [3, 6]) {
      await assert.rejects(retrying()(request), { status: 503 })
      assert.equal(requests.length, times)
    }
    assert.ok(requests.every(({ headers }) => headers['x-own'] === 'kept'))
  })

  it('obeys Retry-After', async t => {
    const clock = manualClock()
    const { url, asked } = await startServer(t, (_, response) => response.writeHead(503, { 'retry-after': '2' }).end())
    const p = policy('p', [retry({ attempts: 2, baseMs: 0 })], { clock, random: () => 0.5 })
    const delays: unknown[] = []
    const waiting = Promise.withResolvers<void>()
    p.on(event => {
      if (event.type !== 'retry') return
      delays.push(event.delayMs)
      waiting.resolve()
    })
    const answer = assert.rejects(resilientFetch(p)(url), { status: 503 })
    await waiting.promise
    await clock.flow(2_500)
    await asked(2)
    await answer
    assert.deepEqual(delays, [2_500])
  })

  it('is told by the layer below not to repeat once that one’s retry budget is spent, and tells the layer above', async t => {
    const middle = policy('middle', [retry({ idempotent: true, baseMs: 0, budget: { ratio: 0, minPerSecond: 0 } })])
    const core = await startServer(t, async (_, response) => {
      const outcome = await middle.outcome(() => Promise.reject(new Error('down')))
      assert.ok(outcome.kind === 'failed' && outcome.error instanceof RetryBudgetExhaustedError)
      response.writeHead(503, { [RETRY_BUDGET_HEADER]: formatRetryBudgetHeader(outcome.error)! }).end()
    })
    const error = await retrying()(core.url).catch((error: unknown) => error)
    assert.ok(error instanceof HttpStatusError && !error.retryable)
    assert.equal(core.requests.length, 1)
    assert.equal(formatRetryBudgetHeader(error), 'exhausted')
    assert.equal(formatRetryBudgetHeader(new Error('down')), null)
  })

  it('says how much time is left, and nothing when there is no limit', async t => {
    const clock = manualClock()
    const { url, requests } = await startServer(t, (_, response) => response.end())
    const send = resilientFetch(policy('p', [deadline(250)], { clock }))
    await send(url)
    await send(url, { headers: { 'x-other': 'kept' }, policy: { deadline: clock.now() + 100 } })
    await bare()(url)
    assert.deepEqual(
      requests.map(({ headers }) => [headers['x-request-deadline'], headers['x-other']]),
      [
        ['250', undefined],
        ['100', 'kept'],
        [undefined, undefined]
      ]
    )
  })

  it('is given up by the policy’s timeout and by its caller, down to the connection', async t => {
    const closed: Promise<unknown>[] = []
    const { url, asked } = await startServer(t, (_, response) => closed.push(once(response, 'close')))
    const clock = manualClock()
    const slow = assert.rejects(resilientFetch(policy('p', [timeout(100)], { clock }))(url), {
      code: 'RESILIENCE_TIMEOUT'
    })
    await asked(1)
    await clock.flow(100)
    await slow

    const caller = new AbortController()
    const left = assert.rejects(bare()(new Request(url, { signal: caller.signal })), /left/)
    await asked(2)
    caller.abort(new Error('left'))
    await left
    await Promise.all(closed)
  })

  it('lets its caller give up reading the body, when the policy has long answered', async t => {
    const { url } = await startServer(t, (_, response) => response.write('first'))
    const caller = new AbortController()
    const response = await resilientFetch(policy('p', [timeout(1_000)], { clock: manualClock() }))(url, {
      signal: caller.signal
    })
    const body = assert.rejects(response.text(), /enough/)
    caller.abort(new Error('enough'))
    await body
  })

  it('opens no breaker for 4xx with failsOnStatus, but for 5xx and for what has no status', async t => {
    const { url } = await startServer(t, (request, response) => response.writeHead(Number(request.url!.slice(1))).end())
    const parts = () => [breaker({ minimumCalls: 5, window: { calls: 5 }, failsOn: failsOnStatus })]
    for (const [path, state] of [
      ['/404', 'closed'],
      ['/429', 'closed'],
      ['/408', 'closed'],
      ['/503', 'open']
    ] as const) {
      const p = policy('p', parts())
      for (let i = 0; i < 5; i++) await resilientFetch(p)(`${url}${path}`).catch(() => {})
      assert.equal(p.breaker!.state, state, path)
    }
    const gone = policy('p', parts())
    const refuse = () => Promise.reject(new TypeError('fetch failed'))
    for (let i = 0; i < 5; i++) await assert.rejects(resilientFetch(gone, { fetch: refuse })('http://gone'))
    assert.equal(gone.breaker!.state, 'open')
    assert.equal(failsOnStatus(null), true)
  })

  it('answers with what the fallback of its policy says', async t => {
    const { url } = await startServer(t, (_, response) => response.writeHead(503).end())
    const send = resilientFetch(policy('p', [fallback(null), bulkhead({ concurrency: 1 })]))
    const answer: Response | null = await send(url)
    assert.equal(answer, null)
  })

  it('lets its user say which responses are errors', async t => {
    const { url } = await startServer(t, (_, response) => response.writeHead(404).end())
    const strict = resilientFetch(policy('p', []), { throwOn: ({ ok }) => !ok })
    await assert.rejects(strict(new URL(url)), { status: 404 })
  })
})
