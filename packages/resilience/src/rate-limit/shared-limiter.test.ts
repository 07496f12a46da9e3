import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { manualClock } from '../manual-clock.ts'
import { policy } from '../policy.ts'
import { type RateVerdict, rateLimiter } from './limiter.ts'
import { rateLimit } from './rate-limit.ts'
import { type RateLimitStore, sharedRateLimiter } from './shared-limiter.ts'

/** A store as a server would keep it; `mood` says how it answers. */
const setUp = (rate = 1) => {
  const clock = manualClock()
  const kept = rateLimiter({ rate }, { clock })
  const keys: string[] = []
  const server = { mood: 'well' as 'well' | 'down' | 'hung' | 'throws' | 'mad', asked: 0 }
  const store: RateLimitStore = {
    take(key, cost) {
      server.asked++
      keys.push(key)
      if (server.mood === 'throws') throw new Error('no connection')
      if (server.mood === 'down') return Promise.reject(new Error('down'))
      if (server.mood === 'hung') return new Promise(() => {})
      if (server.mood === 'mad') return Promise.resolve('OK' as unknown as RateVerdict)
      return Promise.resolve(kept.take(key, cost))
    }
  }
  return { clock, keys, server, store }
}

describe('a rate limit in a store', () => {
  it('is one for all who share it', async () => {
    const { clock, keys, store } = setUp()
    const limiter = () => sharedRateLimiter('api', store, { rate: 1 }, { clock })
    const [a, b] = [limiter(), limiter()]
    assert.deepEqual(await a.take('ada'), { allowed: true, retryAfterMs: 0, remaining: 0, local: false })
    assert.deepEqual(await b.take('ada'), { allowed: false, retryAfterMs: 1_000, remaining: 0, local: false })
    assert.equal((await b.take()).allowed, true)
    assert.deepEqual(keys, ['api:ada', 'api:ada', 'api'])
    await assert.rejects(a.take('ada', -1), RangeError)
  })

  for (const mood of ['down', 'throws', 'mad', 'hung'] as const) {
    it(`goes on alone when the store is ${mood}, and asks it again by one call at a time`, async () => {
      const { clock, server, store } = setUp()
      const limiter = sharedRateLimiter('api', store, { rate: 1, storeTimeoutMs: 20 }, { clock })
      server.mood = mood
      const first = limiter.take('ada')
      await clock.flow(20)
      assert.deepEqual(await first, { allowed: true, retryAfterMs: 0, remaining: 0, local: true })
      assert.deepEqual([limiter.storeFailures, limiter.storeDown], [1, true])
      for (let i = 0; i < 10; i++) assert.equal((await limiter.take('ada')).allowed, false)
      assert.equal(server.asked, 1)
      await clock.flow(1_000)
      const probes = [1, 2, 3].map(() => limiter.take('ada'))
      await clock.flow(20)
      await Promise.all(probes)
      assert.deepEqual([server.asked, limiter.storeFailures], [2, 2])
      server.mood = 'well'
      await clock.flow(1_000)
      assert.equal((await limiter.take('ada')).local, false)
      assert.equal(limiter.storeDown, false)
      assert.equal((await limiter.take('ada')).local, false)
      await clock.flow(100)
      assert.equal(clock.pending, 0)
    })
  }

  it('is a part: refused by the store, counted and told when the store is away', async () => {
    const { clock, keys, server, store } = setUp()
    const p = policy('api', [rateLimit({ rate: 1, perKey: true, store })], { clock })
    const events: string[] = []
    p.on(event => events.push(event.type))
    assert.equal(await p.run(() => 1, { key: 'ada' }), 1)
    const refused = await p.outcome(() => 1, { key: 'ada' })
    assert.ok(refused.kind === 'rejected' && refused.by === 'rate-limit' && refused.retryAfterMs === 1_000)
    assert.deepEqual(keys, ['api:ada', 'api:ada'])
    server.mood = 'down'
    assert.equal(await p.run(() => 2, { key: 'ada' }), 2)
    assert.equal((await p.outcome(() => 3, { key: 'ada' })).kind, 'rejected')
    assert.deepEqual(events, ['rate-limit.rejected', 'rate-limit.store-failed', 'rate-limit.rejected'])
    const { rateLimitStoreFailures, rateLimit: standing } = p.snapshot()
    assert.equal(rateLimitStoreFailures, 1)
    assert.deepEqual(standing, { remaining: null, keys: 1, waiting: 0, storeDown: true })
  })

  it('lets a call go that gives up or runs out of time while the store thinks', async () => {
    const { clock, server, store } = setUp()
    const p = policy('api', [rateLimit({ rate: 1, store })], { clock })
    server.mood = 'hung'
    const caller = new AbortController()
    const left = p.outcome(() => assert.fail('begun'), { signal: caller.signal })
    const late = p.outcome(() => assert.fail('begun'), { deadline: 10 })
    caller.abort()
    assert.equal((await left).kind, 'aborted')
    await clock.flow(10)
    const outcome = await late
    assert.ok(outcome.kind === 'rejected' && outcome.by === 'deadline')
    await clock.flow(100)
    assert.deepEqual([p.snapshot().inFlight, clock.pending], [0, 0])
  })

  it('lets a refused call sleep and ask again, within its time and for so many calls only', async () => {
    const { clock, server, store } = setUp(10)
    const p = policy('api', [rateLimit({ rate: 10, store, maxWaitMs: 100 })], { clock })
    for (let i = 0; i < 10; i++) await p.run(() => i, { cost: 1 })
    const caller = new AbortController()
    const begun: number[] = []
    const sleeper = p.run(() => begun.push(clock.now()), { signal: caller.signal })
    await clock.flow(0)
    assert.equal(p.snapshot().rateLimit!.waiting, 1)
    const tooMany = p.outcome(() => assert.fail('begun'))
    assert.equal((await tooMany).kind, 'rejected')
    await clock.flow(100)
    await sleeper
    assert.deepEqual([begun, server.asked], [[100], 13])
    const leaver = p.outcome(() => assert.fail('begun'), { signal: caller.signal })
    await clock.flow(0)
    caller.abort()
    assert.equal((await leaver).kind, 'aborted')
    await clock.flow(100)
    assert.deepEqual([p.snapshot().rateLimit!.waiting, server.asked, clock.pending], [0, 14, 0])
  })
})
