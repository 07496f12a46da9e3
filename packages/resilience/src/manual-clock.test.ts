import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { manualClock } from './manual-clock.ts'

describe('the manual clock', () => {
  it('stands still until it is told to move, and runs what falls due in order', () => {
    const clock = manualClock(1_000)
    const seen: string[] = []
    clock.setTimer(() => seen.push(`b at ${clock.now()}`), 20)
    clock.setTimer(() => seen.push(`a at ${clock.now()}`), 10)
    clock.clearTimer(clock.setTimer(() => seen.push('cleared'), 15))
    assert.equal(clock.now(), 0)
    clock.advance(30)
    assert.deepEqual(seen, ['a at 10', 'b at 20'])
    assert.equal(clock.now(), 30)
    assert.equal(clock.wallNow(), 1_030)
    assert.equal(clock.pending, 0)
  })

  it('runs in one go the timers that timers set', () => {
    const clock = manualClock()
    const seen: number[] = []
    const again = () => {
      seen.push(clock.now())
      if (seen.length < 5) clock.setTimer(again, 10)
    }
    clock.setTimer(again, 10)
    clock.advance(35)
    assert.deepEqual(seen, [10, 20, 30])
  })

  it('steps the wall clock without moving time', () => {
    const clock = manualClock(0)
    clock.stepWall(-3_600_000)
    assert.equal(clock.now(), 0)
    assert.equal(clock.wallNow(), -3_600_000)
  })

  it('flows: promises settle between two timers', async () => {
    const clock = manualClock()
    const seen: string[] = []
    clock.setTimer(() => Promise.resolve().then(() => seen.push('promise of a')), 10)
    clock.setTimer(() => seen.push('b'), 11)
    await clock.flow(20)
    assert.deepEqual(seen, ['promise of a', 'b'])
  })
})
