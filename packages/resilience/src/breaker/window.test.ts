import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { CountWindow, TimeWindow } from './window.ts'

const call = fc.record({ wait: fc.nat(700), failed: fc.boolean(), slow: fc.boolean() })
const sums = (calls: { failed: boolean; slow: boolean }[]) => ({
  calls: calls.length,
  failed: calls.filter(c => c.failed).length,
  slow: calls.filter(c => c.slow).length
})
const read = ({ calls, failed, slow }: CountWindow | TimeWindow) => ({ calls, failed, slow })

describe('a count window', () => {
  it('knows the last calls and no others', () => {
    fc.assert(
      fc.property(fc.array(call, { maxLength: 80, size: 'max' }), fc.integer({ min: 1, max: 20 }), (calls, size) => {
        const window = new CountWindow(size)
        for (const { failed, slow } of calls) window.record(0, failed, slow)
        assert.deepEqual(read(window), sums(calls.slice(-size)))
      })
    )
  })
})

describe('a time window', () => {
  it('knows the calls of its time, to a tenth of it', () => {
    fc.assert(
      fc.property(fc.array(call, { maxLength: 80, size: 'max' }), fc.nat(3_000), (calls, rest) => {
        const window = new TimeWindow(1_000)
        let now = 0
        const at = calls.map(c => {
          now += c.wait
          window.record(now, c.failed, c.slow)
          return { ...c, at: now }
        })
        now += rest
        window.expire(now)
        const oldest = (Math.floor(now / 100) - 9) * 100
        assert.deepEqual(read(window), sums(at.filter(c => c.at >= oldest)))
      })
    )
  })

  it('weighs nothing of what was ten idle minutes ago (cockatiel turns one window a call)', () => {
    const window = new TimeWindow(10_000)
    for (let i = 0; i < 1_000; i++) window.record(i, true, false)
    window.record(600_000, false, false)
    assert.deepEqual(read(window), { calls: 1, failed: 0, slow: 0 })
  })
})
