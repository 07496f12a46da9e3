import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { manualClock } from '../manual-clock.ts'
import { RetryBudget, sharedBudget } from './budget.ts'

describe('a retry budget', () => {
  it('gives a fifth of the calls as retries', () => {
    const budget = new RetryBudget({ minPerSecond: 0 }, manualClock())
    for (let i = 0; i < 100; i++) budget.deposit(0)
    let given = 0
    while (budget.withdraw(0)) given++
    assert.equal(given, 20)
  })

  it('gives a few a second in any case, but does not save them up', () => {
    const budget = new RetryBudget({ minPerSecond: 3 }, manualClock())
    const take = (now: number) => Array.from({ length: 10 }, () => budget.withdraw(now)).filter(Boolean).length
    assert.deepEqual([take(0), take(999), take(1_000), take(60_000)], [3, 0, 3, 3])
  })

  it('forgets after 10 s what was paid in', () => {
    const budget = new RetryBudget({ minPerSecond: 0 }, manualClock())
    for (let i = 0; i < 100; i++) budget.deposit(500)
    assert.equal(budget.withdraw(9_999), true)
    assert.equal(budget.withdraw(10_000), false)
  })

  it('never gives more than its share and its floor in any 10 s', () => {
    const step = fc.record({ wait: fc.nat(1_500), calls: fc.nat(20), tries: fc.nat(20) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50, size: 'max' }), steps => {
        const budget = new RetryBudget({ ratio: 0.2, minPerSecond: 1 }, manualClock())
        const calls: number[] = []
        const retries: number[] = []
        let now = 0
        for (const { wait, calls: n, tries } of steps) {
          now += wait
          for (let i = 0; i < n; i++) {
            budget.deposit(now)
            calls.push(now)
          }
          for (let i = 0; i < tries; i++) if (budget.withdraw(now)) retries.push(now)
          const since = (Math.floor(now / 1_000) - 9) * 1_000
          const within = (times: number[]) => times.filter(at => at >= since).length
          // What was paid in up to 10 s before a retry of up to 10 s ago may have been behind it.
          const behind = calls.filter(at => at >= since - 9_000).length
          assert.ok(within(retries) <= behind * 0.2 + 10, `${within(retries)} of ${behind}`)
        }
      })
    )
  })

  it('is one for all who name it, and keeps clocks apart', () => {
    const clock = manualClock()
    const one = sharedBudget('metadata', {}, clock)
    assert.equal(sharedBudget('metadata', {}, clock), one)
    assert.notEqual(sharedBudget('users', {}, clock), one)
    assert.notEqual(sharedBudget('metadata', {}, manualClock()), one)
    assert.throws(() => sharedBudget('metadata', { ratio: 0.5 }, clock), /same settings/)
  })

  it('refuses settings that make no sense', () => {
    for (const bad of [{ ratio: -1 }, { ratio: Number.NaN }, { minPerSecond: -1 }, { minPerSecond: 0.5 }]) {
      assert.throws(() => new RetryBudget(bad, manualClock()), RangeError)
    }
  })
})
