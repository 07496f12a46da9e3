import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type Clock, systemClock } from './clock.ts'
import { dueAt } from './due.ts'
import { manualClock } from './manual-clock.ts'
import { policy } from './policy.ts'

const epoch = Date.UTC(2026, 0, 1)
const day = 86_400_000
const refused = { name: 'RangeError', message: /^deadline is an instant of the policy's clock/ }

describe('when an answer is due', () => {
  it('is the sooner of the instant that was handed in and of so many milliseconds from now', () => {
    assert.equal(dueAt({}, 1_000), null)
    assert.equal(dueAt({ deadline: Infinity, withinMs: Infinity }, 1_000), null)
    assert.equal(dueAt({ deadline: 1_500 }, 1_000), 1_500)
    assert.equal(dueAt({ withinMs: 250 }, 1_000), 1_250)
    assert.equal(dueAt({ deadline: 1_100, withinMs: 250 }, 1_000), 1_100)
    assert.equal(dueAt({ deadline: 1_500, withinMs: 250 }, 1_000), 1_250)
    assert.equal(dueAt({ withinMs: 0 }, 1_000), 1_000)
  })

  it('may be over, as one that travelled and came too late is', () => {
    assert.equal(dueAt({ deadline: 0 }, 3_600_000), 0)
    assert.equal(dueAt({ deadline: -5 }, 0), -5)
  })

  it('is refused when it is the time of day and the clock is not, and the other way round, whatever both say', () => {
    const monotonic = fc.double({ min: 0, max: 365 * day, noNaN: true })
    const ofDay = fc.double({ min: epoch, max: epoch + 10 * 365 * day, noNaN: true })
    fc.assert(
      fc.property(monotonic, ofDay, fc.nat(3_600_000), (a, b, ms) => {
        assert.throws(() => dueAt({ deadline: b + ms }, a), refused)
        assert.throws(() => dueAt({ deadline: a + ms }, b), refused)
        assert.equal(dueAt({ deadline: a + ms }, a), a + ms)
        assert.equal(dueAt({ deadline: b + ms }, b), b + ms)
      })
    )
  })

  it('is refused when it is no number, or no length', () => {
    for (const deadline of [Number.NaN, -Infinity, Date.parse('soon')]) {
      assert.throws(() => dueAt({ deadline }, 0), refused)
    }
    for (const withinMs of [Number.NaN, -1, -Infinity])
      assert.throws(() => dueAt({ withinMs }, 0), /withinMs is a number/)
  })

  it('says in its refusal how far off it is and what to write instead', () => {
    assert.throws(() => dueAt({ deadline: epoch }, 100.4), {
      message:
        "deadline is an instant of the policy's clock, which says 100, and 1767225600000 is 20,454 days ahead: " +
        'take `policy.clock.now() + ms`, or say `withinMs` instead'
    })
    assert.throws(() => dueAt({ deadline: 250 }, epoch), /is 20,454 days ago/)
    assert.throws(() => dueAt({ deadline: Number.NaN }, 0), /NaN is no number/)
  })
})

describe('a call whose deadline can only be a mistake', () => {
  const begun = () => assert.fail('begun')

  it('is refused before anything is done, on the machine’s clock and on one of another kind', async () => {
    const wall: Clock = { ...systemClock, now: () => Date.now() }
    const wrong = [
      [policy('p', []), Date.now() + 250],
      [policy('p', [], { clock: wall }), performance.now() + 250]
    ] as const
    for (const [p, deadline] of wrong) {
      await assert.rejects(p.run(begun, { deadline }), refused)
      await assert.rejects(p.outcome(begun, { deadline }), refused)
      const { calls, inFlight } = p.snapshot()
      assert.deepEqual({ calls, inFlight }, { calls: 0, inFlight: 0 })
      assert.equal(await p.run(() => 'right', { deadline: p.clock.now() + 60_000 }), 'right')
    }
  })
})

describe('`withinMs`', () => {
  it('ends a call so many milliseconds from now, as the caller’s deadline, which is told to the function', async () => {
    const clock = manualClock()
    clock.advance(1_000)
    const p = policy('p', [], { clock })
    const told: number[] = []
    const answer = assert.rejects(
      p.run(
        ({ deadline }) => {
          told.push(deadline)
          return new Promise(() => {})
        },
        { withinMs: 100 }
      ),
      { code: 'RESILIENCE_DEADLINE_EXCEEDED', incoming: true }
    )
    await clock.flow(100)
    await answer
    assert.deepEqual(told, [1_100])
  })
})
