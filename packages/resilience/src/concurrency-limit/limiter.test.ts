import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { manualClock } from '../manual-clock.ts'
import type { Priority } from '../priority.ts'
import { type ConcurrencyPermit, concurrencyLimiter } from './limiter.ts'
import type { ConcurrencyLimiterOptions } from './settings.ts'

const setUp = (options: ConcurrencyLimiterOptions = {}) => {
  const clock = manualClock()
  const limiter = concurrencyLimiter(options, { clock, random: () => 0.5 })
  const take = (priority?: Priority) => {
    const permits: ConcurrencyPermit[] = []
    for (let permit = limiter.acquire(priority); permit !== null; permit = limiter.acquire(priority))
      permits.push(permit)
    return permits
  }
  /** Every 10 ms one call comes and the one of `latencyMs` ago is answered, or times out. */
  const traffic = (seconds: number, latencyMs: number, outcome: 'ok' | 'dropped' = 'ok') => {
    for (let i = 0; i < seconds * 100; i++) {
      const permit = limiter.acquire('critical')
      if (permit !== null) clock.setTimer(() => permit.release(outcome), latencyMs)
      clock.advance(10)
    }
    return limiter.snapshot()
  }
  return { clock, limiter, take, traffic }
}

describe('a concurrency limiter without a policy', () => {
  it('gives each class its share of the limit, and critical calls all of it', () => {
    const { take, limiter } = setUp({ initialLimit: 20 })
    assert.deepEqual([take('sheddable').length, take().length, take('critical').length], [12, 6, 2])
    assert.equal(limiter.acquire('critical'), null)
    assert.equal(limiter.retryAfterMs, 100)
  })

  it('has room for one of each class when nothing runs, however low the limit', () => {
    for (const priority of ['critical', 'normal', 'sheddable'] as const) {
      assert.equal(setUp({ initialLimit: 1, minLimit: 1, maxLimit: 1 }).take(priority).length, 1)
    }
  })

  it('takes a permit back once, whoever says it again', () => {
    const { take, limiter } = setUp({ initialLimit: 4 })
    const [first] = take('critical')
    assert.deepEqual([first!.release('ok'), first!.release('ok'), first!.release('dropped')], [true, false, false])
    assert.equal(limiter.snapshot().running, 3)
    assert.equal(take('critical').length, 1)
  })

  it('takes a lost permit back at its time, and its late owner moves nothing', () => {
    const { clock, take, limiter } = setUp({ initialLimit: 4, permitTimeoutMs: 1_000 })
    const [lost] = take('critical')
    clock.advance(999)
    assert.equal(limiter.acquire('critical'), null)
    clock.advance(1)
    assert.equal(take('critical').length, 4)
    assert.deepEqual([limiter.snapshot().reclaimed, lost!.release('ok'), limiter.snapshot().running], [4, false, 4])
    assert.equal(clock.pending, 0)
  })

  it('closes a share of the limit under pressure, and not for what makes no sense', () => {
    let pressure: () => number = () => 0.5
    const { take, limiter } = setUp({ initialLimit: 20, pressure: () => pressure() })
    const permits = take('critical')
    assert.deepEqual([permits.length, limiter.snapshot().pressure], [10, 0.5])
    pressure = () => 1
    for (const permit of permits) permit.release('ignored')
    assert.equal(take('critical').length, 1)
    for (const odd of [() => Number.NaN, () => -1, () => assert.fail('broken')]) {
      pressure = odd
      assert.equal(limiter.acquire('critical') === null, false)
    }
  })

  it('learns nothing from what is ignored, and goes down by what times out', () => {
    const { take, limiter, traffic } = setUp({ initialLimit: 20 })
    for (const permit of take('critical')) permit.release('ignored')
    assert.deepEqual([limiter.snapshot().limit, limiter.snapshot().latencyMs], [20, 0])
    assert.equal(traffic(30, 500, 'dropped').limit, 4)
  })

  it('does not grow while nobody is held back, and knows the latency at rest without a look', () => {
    const { limit, latencyAtRestMs, probing } = setUp({ initialLimit: 20 }).traffic(60, 50)
    assert.deepEqual([limit, latencyAtRestMs, probing], [20, 50, false])
  })

  it('follows a latency that is another by itself, when it is not our calls that make it', () => {
    const { traffic, limiter } = setUp({ initialLimit: 20 })
    traffic(10, 50)
    const slow = traffic(20, 150)
    assert.ok(slow.limit >= 15 && Math.abs(slow.latencyAtRestMs - 150) < 10, JSON.stringify(slow))
    const fast = traffic(20, 50)
    assert.ok(fast.limit >= 15 && Math.abs(fast.latencyAtRestMs - 50) < 10, JSON.stringify(fast))
    assert.equal(limiter.retryAfterMs, 50)
  })

  it('grows by what a lower class is held back, though its share leaves half of the limit free', () => {
    const { clock, limiter } = setUp({ initialLimit: 20, shares: { sheddable: 0.5 } })
    for (let i = 0; i < 1_000; i++) {
      for (let permit = limiter.acquire('sheddable'); permit !== null; permit = limiter.acquire('sheddable')) {
        const own = permit
        clock.setTimer(() => own.release('ok'), 50)
      }
      clock.advance(10)
      if (limiter.snapshot().limit > 100) return
    }
    assert.fail(`still ${limiter.snapshot().limit}`)
  })

  it('stays between its bounds', () => {
    assert.ok(setUp({ initialLimit: 5, minLimit: 5, maxLimit: 8 }).traffic(30, 100).limit <= 8)
  })

  it('refuses settings that make no sense', () => {
    const bad: ConcurrencyLimiterOptions[] = [
      { minLimit: 0 },
      { minLimit: 10, maxLimit: 9 },
      { initialLimit: 3 },
      { initialLimit: 1_001 },
      { tolerance: 1 },
      { smoothing: 0 },
      { windowMs: 0 },
      { probeMs: Infinity },
      { shares: { normal: 1.1 } },
      { shares: { normal: 0.5, sheddable: 0.6 } },
      { permitTimeoutMs: 0 }
    ]
    for (const options of bad) assert.throws(() => concurrencyLimiter(options), RangeError, JSON.stringify(options))
  })
})
