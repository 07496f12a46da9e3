import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { manualClock } from './manual-clock.ts'
import { TimerEntry, TimerLine } from './timer-line.ts'

class Alarm extends TimerEntry {
  readonly ring: () => void
  constructor(ring: () => void) {
    super()
    this.ring = ring
  }
  expire(): void {
    this.ring()
  }
}

describe('a timer line', () => {
  it('calls each entry at its time, never early, whatever is added and removed meanwhile', () => {
    const step = fc.record({ wait: fc.nat(120), ms: fc.nat(300), remove: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), steps => {
        const clock = manualClock()
        const lines = [new TimerLine(clock), new TimerLine(clock), new TimerLine(clock)]
        const rang = new Map<number, number>()
        const due = new Map<number, number>()
        const alarms = steps.map((_, i) => new Alarm(() => rang.set(i, clock.now())))
        for (const [i, { wait, ms, remove }] of steps.entries()) {
          clock.advance(wait)
          due.set(i, clock.now() + ms)
          lines[i % 3]!.add(alarms[i]!, clock.now() + ms, clock.now())
          const other = (i * 7) % (i + 1)
          if (remove && !rang.has(other)) {
            lines[other % 3]!.remove(alarms[other]!)
            due.delete(other)
          }
        }
        clock.advance(1_000)
        assert.deepEqual([...rang].sort(), [...due].sort())
        assert.equal(clock.pending, 0)
      })
    )
  })

  it('holds one timer of the clock for a thousand of its own, and none soon after the last has left', () => {
    const clock = manualClock()
    const line = new TimerLine(clock)
    const alarms = Array.from({ length: 1_000 }, () => new Alarm(() => assert.fail('removed')))
    for (const alarm of alarms) line.add(alarm, clock.now() + 30_000, clock.now())
    assert.equal(clock.pending, 1)
    for (const alarm of alarms) line.remove(alarm)
    clock.advance(50)
    assert.equal(clock.pending, 0)
  })

  it('shares the timer for what is answered soon with all the lines of its clock', () => {
    const clock = manualClock()
    const lines = Array.from({ length: 1_000 }, () => new TimerLine(clock))
    const rang: number[] = []
    const alarms = lines.map(() => new Alarm(() => rang.push(clock.now())))
    for (const [i, line] of lines.entries()) line.add(alarms[i]!, clock.now() + 1_000, clock.now())
    assert.equal(clock.pending, 1)
    for (const [i, line] of lines.entries()) if (i >= 2) line.remove(alarms[i]!)
    clock.advance(50)
    assert.equal(clock.pending, 2)
    clock.advance(950)
    assert.deepEqual([rang, clock.pending], [[1_000, 1_000], 0])
  })

  it('lets go of a long timer at once when what it was for has left', () => {
    const clock = manualClock()
    const line = new TimerLine(clock)
    const alarm = new Alarm(() => {})
    line.add(alarm, 30_000, 0)
    clock.advance(60)
    assert.equal(clock.pending, 1)
    line.remove(alarm)
    assert.equal(clock.pending, 0)
  })

  it('waits longer than the system timers can', () => {
    const clock = manualClock()
    const line = new TimerLine(clock)
    const longest: number[] = []
    const { setTimer } = clock
    clock.setTimer = (fn, ms) => {
      longest.push(ms)
      return setTimer(fn, ms)
    }
    let rang = 0
    line.add(new Alarm(() => rang++), 40 * 86_400_000, 0)
    clock.advance(40 * 86_400_000 - 1)
    assert.equal(rang, 0)
    clock.advance(1)
    assert.equal(rang, 1)
    assert.ok(Math.max(...longest) < 2 ** 31)
  })
})
