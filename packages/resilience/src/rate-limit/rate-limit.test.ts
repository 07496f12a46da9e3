import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RunOptions } from '../answer.ts'
import { breaker } from '../breaker/breaker.ts'
import { manualClock } from '../manual-clock.ts'
import { policy } from '../policy.ts'
import { retry } from '../retry/retry.ts'
import { type RateLimitOptions, rateLimit } from './rate-limit.ts'

const limited = (retryAfterMs: number) => ({
  name: 'RateLimitedError',
  code: 'RESILIENCE_RATE_LIMITED',
  policy: 'p',
  rejected: true,
  retryAfterMs
})

const setUp = (options: RateLimitOptions) => {
  const clock = manualClock()
  const p = policy('p', [rateLimit(options)], { clock })
  const begun: [string, number][] = []
  const call = (name: string, options?: RunOptions) => p.run(() => void begun.push([name, clock.now()]), options)
  return { clock, p, begun, call }
}

describe('a rate limit', () => {
  it('refuses at once what is too much, and says exactly when to come back', async () => {
    const { clock, p, call } = setUp({ rate: 10, burst: 2 })
    const events: unknown[] = []
    p.on(event => events.push(event.type))
    await call('a')
    await call('b')
    clock.advance(30)
    await assert.rejects(call('c'), limited(70))
    clock.advance(69.9)
    await assert.rejects(call('c'), { code: 'RESILIENCE_RATE_LIMITED' })
    clock.advance(0.1)
    await call('c')
    assert.deepEqual(events, ['rate-limit.rejected', 'rate-limit.rejected'])
    const { rejected, rateLimitRejections, invocations, rateLimit: standing } = p.snapshot()
    assert.deepEqual([rejected, rateLimitRejections, invocations], [2, 2, 3])
    assert.deepEqual(standing, { remaining: 0, keys: 0, waiting: 0 })
  })

  it('is an outcome of its own', async () => {
    const { p, call } = setUp({ rate: 1 })
    await call('a')
    const outcome = await p.outcome(() => 1)
    assert.ok(outcome.kind === 'rejected' && outcome.by === 'rate-limit' && outcome.retryAfterMs === 1_000)
  })

  it('takes the cost of the call; one that can never be paid is refused for ever, one that is none has failed', async () => {
    const { p, call } = setUp({ rate: 10, burst: 5 })
    await call('a', { cost: 4 })
    await assert.rejects(call('b', { cost: 2 }), limited(100))
    await assert.rejects(call('c', { cost: 6 }), limited(Infinity))
    await call('free', { cost: 0 })
    await assert.rejects(call('d', { cost: -1 }), RangeError)
    await call('e')
    assert.equal(p.snapshot().rateLimit!.remaining, 0)
  })

  it('limits each key by itself when it is asked to, by the key as it is made', async () => {
    const { p, call } = setUp({ rate: 1, perKey: key => key.split('/')[0] })
    await call('a', { key: 'ada/1' })
    await assert.rejects(call('b', { key: 'ada/2' }), limited(1_000))
    await call('c', { key: 'bob/1' })
    await call('d')
    await assert.rejects(call('e'), limited(1_000))
    assert.deepEqual(p.snapshot().rateLimit, { remaining: null, keys: 2, waiting: 0 })
    const one = setUp({ rate: 1 })
    await one.call('a', { key: 'ada' })
    await assert.rejects(one.call('b', { key: 'bob' }), limited(1_000))
  })

  it('takes once for each attempt of a retry outside of it, and says nothing to a breaker', async () => {
    const clock = manualClock()
    const parts = [
      retry({ idempotent: true }),
      breaker({ window: { calls: 2 }, minimumCalls: 1 }),
      rateLimit({ rate: 2 })
    ]
    const p = policy('p', parts, { clock, random: () => 0 })
    let tries = 0
    const flaky = () => (++tries === 1 ? Promise.reject(new Error('down')) : 1)
    p.breaker!.forceClosed()
    const first = p.run(flaky)
    await clock.flow(1_000)
    assert.equal(await first, 1)
    p.breaker!.reset()
    clock.advance(500)
    await p.run(() => 1)
    for (let i = 0; i < 10; i++) assert.equal((await p.outcome(() => 1)).kind, i === 0 ? 'ok' : 'rejected')
    assert.deepEqual([p.breaker!.state, p.snapshot().breaker!.calls], ['closed', 2])
  })

  it('refuses settings that make no sense', () => {
    for (const bad of [{ rate: 0 }, { rate: 1, maxWaitMs: -1 }, { rate: 1, maxWaitMs: Infinity }]) {
      assert.throws(() => rateLimit(bad), RangeError)
    }
    assert.throws(() => policy('p', [rateLimit({ rate: 1 }), rateLimit({ rate: 2 })]), /more than one rate-limit/)
  })

  it('says what it will do', () => {
    assert.equal(
      rateLimit({ rate: 100, perMs: 60_000, burst: 10, perKey: true, maxWaitMs: 50 }).explain(),
      'rate limit: 100 in 60000 ms for each of 10000 keys, up to 10 at once, and the rest wait for up to 50 ms or are refused'
    )
  })
})

describe('a rate limit that lets calls wait', () => {
  it('lets them in one by one at their instants, first come first served', async () => {
    const { clock, p, begun, call } = setUp({ rate: 10, burst: 1, maxWaitMs: 300 })
    const calls = ['a', 'b', 'c', 'd'].map(name => call(name))
    await assert.rejects(call('e'), limited(400))
    assert.equal(p.snapshot().rateLimit!.waiting, 3)
    await clock.flow(150)
    const late = call('late')
    await clock.flow(1_000)
    await Promise.all([...calls, late])
    assert.deepEqual(begun, [
      ['a', 0],
      ['b', 100],
      ['c', 200],
      ['d', 300],
      ['late', 400]
    ])
    assert.deepEqual([p.snapshot().rateLimit!.waiting, clock.pending], [0, 0])
  })

  it('gives the turn of one who leaves to the next, and its place to a newcomer', async () => {
    const { clock, begun, call } = setUp({ rate: 10, burst: 1, maxWaitMs: 200 })
    const leaver = new AbortController()
    await call('a')
    const b = assert.rejects(call('b', { signal: leaver.signal }), { name: 'AbortError' })
    const c = call('c')
    await assert.rejects(call('d'), limited(300))
    await clock.flow(50)
    leaver.abort()
    await b
    const e = call('e')
    await clock.flow(200)
    await Promise.all([c, e])
    assert.deepEqual(begun.slice(1), [
      ['c', 100],
      ['e', 200]
    ])
  })

  it('begins no wait that the deadline would cut short', async () => {
    const { clock, begun, call } = setUp({ rate: 10, burst: 1, maxWaitMs: 1_000 })
    await call('a')
    await assert.rejects(call('b', { deadline: 100 }), limited(100))
    const c = call('c', { deadline: 101 })
    await clock.flow(100)
    await c
    assert.deepEqual(begun.at(-1), ['c', 100])
  })

  it('has one line for each key, and passes by those whose cost is heavier in none', async () => {
    const { clock, begun, call } = setUp({ rate: 10, burst: 3, maxWaitMs: 1_000, perKey: true })
    const calls = [
      call('a1', { key: 'a', cost: 3 }),
      call('a2', { key: 'a', cost: 3 }),
      call('a3', { key: 'a' }),
      call('b1', { key: 'b' })
    ]
    await clock.flow(1_000)
    await Promise.all(calls)
    assert.deepEqual(begun, [
      ['a1', 0],
      ['b1', 0],
      ['a2', 300],
      ['a3', 400]
    ])
  })

  it('lets no newcomer overtake in the microtask of a turn', async () => {
    const { clock, begun, call } = setUp({ rate: 10, burst: 1, maxWaitMs: 500 })
    const a = call('a').then(() => call('newcomer'))
    const others = ['b', 'c'].map(name => call(name))
    await clock.flow(1_000)
    await Promise.all([a, ...others])
    assert.deepEqual(
      begun.map(([name]) => name),
      ['a', 'b', 'c', 'newcomer']
    )
  })
})
