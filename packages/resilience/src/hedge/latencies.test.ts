import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { LatencyWindow } from './latencies.ts'

describe('a window of latencies', () => {
  it('knows the quantile of its calls to within a tenth, and never says less', () => {
    const latency = fc.double({ min: 0.2, max: 100_000, noNaN: true })
    fc.assert(
      fc.property(
        fc.array(latency, { minLength: 1, maxLength: 200 }),
        fc.constantFrom(0.5, 0.95, 1),
        (all, quantile) => {
          const window = new LatencyWindow(60_000, quantile)
          for (const ms of all) window.record(0, ms)
          const exact = all.toSorted((a, b) => a - b)[Math.ceil(all.length * quantile) - 1]!
          const ratio = window.value() / exact
          assert.ok(ratio > 1 - 1e-9 && ratio < 1.1 + 1e-9, `${window.value()} for ${exact}`)
        }
      )
    )
  })

  it('puts what is shorter or longer than it can tell apart into its first and last bucket', () => {
    const window = new LatencyWindow(60_000, 0.5)
    window.record(0, 0)
    assert.ok(window.value() > 0 && window.value() < 0.12)
    for (let i = 0; i < 3; i++) window.record(0, 1e12)
    assert.ok(window.value() >= 600_000 && window.value() < 700_000)
  })

  it('forgets a sixth at a time what is older than its window, and all of it after an idle hour', () => {
    const window = new LatencyWindow(6_000, 0.5)
    for (let second = 0; second < 6; second++) window.record(second * 1_000, 100)
    window.expire(5_999)
    assert.equal(window.count, 6)
    window.expire(7_000)
    assert.equal(window.count, 4)
    window.expire(3_600_000)
    assert.deepEqual([window.count, window.value()], [0, 0])
  })

  it('looks its quantile up again often enough to follow, and not at every call', () => {
    const window = new LatencyWindow(60_000, 0.5)
    for (let i = 0; i < 100; i++) window.record(0, 10)
    const before = window.value()
    for (let i = 0; i < 1_000; i++) {
      window.record(0, 100)
      window.value()
    }
    assert.ok(window.value() > before * 5)
  })
})
