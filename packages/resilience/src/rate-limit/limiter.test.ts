import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { manualClock } from '../manual-clock.ts'
import { rateLimiter } from './limiter.ts'

const refused = (retryAfterMs: number, remaining = 0) => ({ allowed: false, retryAfterMs, remaining })

describe('a rate limiter without a policy', () => {
  it('says whether, when, and how much is left', () => {
    const clock = manualClock()
    const limiter = rateLimiter({ rate: 2, burst: 3 }, { clock })
    assert.deepEqual(limiter.take(), { allowed: true, retryAfterMs: 0, remaining: 2 })
    assert.deepEqual(limiter.take(undefined, 2), { allowed: true, retryAfterMs: 0, remaining: 0 })
    assert.deepEqual(limiter.take(), refused(500))
    clock.advance(600)
    assert.deepEqual(limiter.take(undefined, 3), refused(900, 1))
    assert.deepEqual(limiter.take(undefined, 0), { allowed: true, retryAfterMs: 0, remaining: 1 })
    assert.equal(limiter.burst, 3)
  })

  it('says that what is more than the burst will never be let in, and throws at a cost that is none', () => {
    const limiter = rateLimiter({ rate: 5 }, { clock: manualClock() })
    assert.deepEqual(limiter.take('a', 6), refused(Infinity, 5))
    for (const cost of [-1, 0.5, Number.NaN, Infinity]) assert.throws(() => limiter.take('a', cost), RangeError)
  })

  it('has a limit for each key, and one for all who name none', () => {
    const limiter = rateLimiter({ rate: 1 }, { clock: manualClock() })
    assert.deepEqual(
      ['a', 'b', undefined, 'a', 'b', undefined, ''].map(key => limiter.take(key).allowed),
      [true, true, true, false, false, false, true]
    )
  })

  it('forgets a key that is idle for a new one, the longest idle first', () => {
    const clock = manualClock()
    const limiter = rateLimiter({ rate: 1, maxKeys: 2 }, { clock })
    limiter.take('a')
    clock.advance(900)
    limiter.take('b')
    clock.advance(100)
    assert.equal(limiter.take('c').allowed, true)
    assert.equal(limiter.keys, 2)
    assert.equal(limiter.take('b').allowed, false)
  })

  it('forgets no key in debt: the keys too many share one limit, and making up keys buys nothing', () => {
    const clock = manualClock()
    const limiter = rateLimiter({ rate: 1, burst: 2, maxKeys: 3 }, { clock })
    for (const key of ['a', 'b', 'c']) limiter.take(key, 2)
    const madeUp = Array.from({ length: 100 }, (_, i) => limiter.take(`made-up-${i}`).allowed)
    assert.equal(madeUp.filter(Boolean).length, 2)
    assert.deepEqual(
      ['a', 'b', 'c'].map(key => limiter.take(key).allowed),
      [false, false, false]
    )
    assert.equal(limiter.keys, 3)
    clock.advance(2_000)
    assert.equal(limiter.take('made-up-100', 2).allowed, true)
  })

  it('decides with few keys as with endless many, as long as no more are in use at a time', () => {
    const step = fc.record({
      key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
      waitMs: fc.constantFrom(0, 100, 1_000, 3_000)
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), steps => {
        const clock = manualClock()
        const few = rateLimiter({ rate: 1, burst: 2, maxKeys: 4 }, { clock })
        const many = rateLimiter({ rate: 1, burst: 2 }, { clock })
        const busyUntil = new Map<string, number>()
        for (const { key, waitMs } of steps) {
          clock.advance(waitMs)
          const now = clock.now()
          const busy = [...busyUntil].filter(([other, until]) => other !== key && until > now)
          if (busy.length >= 4) continue
          const verdict = many.take(key)
          assert.deepEqual(few.take(key), verdict)
          if (verdict.allowed) busyUntil.set(key, Math.max(now, busyUntil.get(key) ?? 0) + 1_000)
          assert.ok(few.keys <= 4)
        }
      })
    )
  })

  it('refuses settings that make no sense', () => {
    const bad = [{ rate: 0 }, { rate: Number.NaN }, { rate: Infinity }, { rate: 1, perMs: 0 }, { rate: 1, burst: 1.5 }]
    for (const options of [...bad, { rate: 1, maxKeys: 0 }, { rate: 1, algorithm: 'leaky' as 'gcra' }]) {
      assert.throws(() => rateLimiter(options), RangeError)
    }
  })
})
