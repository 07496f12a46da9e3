import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { faults } from './faults/index.ts'
import { type ScheduleOptions, schedule } from './schedule.ts'

const quick: ScheduleOptions = {
  seed: 1,
  lengthMs: 16_000,
  kinds: faults,
  stormMs: 16_000,
  quietMs: 2_600,
  gapMs: 1_200
}
const long: ScheduleOptions = { ...quick, lengthMs: 600_000, stormMs: 45_000, quietMs: 12_000, gapMs: 2_500 }

describe('schedule', () => {
  it('is the same for the same seed', () => {
    assert.deepEqual(schedule(quick), schedule(quick))
    assert.notDeepEqual(schedule(quick), schedule({ ...quick, seed: 2 }))
  })

  it('plays each kind at least once, in the short form too', () => {
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(quick, long), (seed, options) => {
        const played = new Set(schedule({ ...options, seed }).strikes.map(({ kind }) => kind))
        assert.equal(played.size, faults.length)
      })
    )
  })

  it('plays several at once, but none of one group', () => {
    fc.assert(
      fc.property(fc.nat(), seed => {
        const { strikes } = schedule({ ...long, seed })
        let overlaps = 0
        for (const [i, a] of strikes.entries()) {
          for (const b of strikes.slice(i + 1)) {
            if (b.atMs >= a.atMs + a.forMs || a.atMs >= b.atMs + b.forMs) continue
            overlaps++
            assert.notEqual(a.group, b.group)
          }
        }
        assert.ok(overlaps > 10)
      }),
      { numRuns: 20 }
    )
  })

  it('breaks nothing in the quiet, with which it begins', () => {
    const { strikes, quiets } = schedule(long)
    assert.deepEqual(quiets[0], { fromMs: 0, toMs: 12_000 })
    for (const { atMs, forMs } of strikes) {
      assert.ok(atMs + forMs <= long.lengthMs)
      for (const { fromMs, toMs } of quiets) assert.ok(atMs + forMs <= fromMs || atMs >= toMs)
    }
  })

  it('refuses a gap that would never let time pass', () => {
    assert.throws(() => schedule({ ...quick, gapMs: 0 }), RangeError)
  })
})
