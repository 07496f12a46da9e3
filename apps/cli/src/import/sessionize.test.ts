import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SessionIndex, sessionGapMs } from './sessionize.ts'

const minute = 60_000

function indexOf(times: [user: string, timeMs: number][]): SessionIndex {
  const index = new SessionIndex()
  for (const [user, timeMs] of times) index.add(user, timeMs)
  index.seal()
  return index
}

test('thirty minutes is the same session, a moment more is a new one', () => {
  const index = indexOf([
    ['ann', 0],
    ['ann', 30 * minute],
    ['ann', 60 * minute + 1]
  ])
  assert.equal(index.sessionOf('ann', 30 * minute).startMs, 0)
  assert.equal(index.sessionOf('ann', 60 * minute + 1).startMs, 60 * minute + 1)
  assert.equal(index.sessions, 2)
})

test('users do not share sessions', () => {
  const index = indexOf([
    ['ann', 0],
    ['bob', minute]
  ])
  assert.equal(index.sessionOf('bob', minute).startMs, minute)
  assert.deepEqual([index.sessions, index.users], [2, 2])
})

test('a time that comes late joins what it lies between', () => {
  const index = indexOf([
    ['ann', 0],
    ['ann', 50 * minute],
    ['ann', 25 * minute]
  ])
  assert.equal(index.sessionOf('ann', 50 * minute).startMs, 0)
})

/** The definition, slowly: sort, and start anew after each gap. */
function byDefinition(times: number[]): Map<number, number> {
  const starts = new Map<number, number>()
  let start = Number.NaN
  let last = Number.NEGATIVE_INFINITY
  for (const time of times.toSorted((a, b) => a - b)) {
    if (time - last > sessionGapMs) start = time
    last = time
    starts.set(time, start)
  }
  return starts
}

test('the sessions are those of the definition, whatever the order', () => {
  const someTimes = fc.array(
    fc.tuple(
      fc.constantFrom('a', 'b', 'c'),
      fc.nat({ max: 40 }).map(n => n * 10 * minute)
    ),
    {
      maxLength: 60
    }
  )
  fc.assert(
    fc.property(someTimes, times => {
      const index = indexOf(times as [string, number][])
      let sessions = 0
      for (const user of new Set(times.map(([user]) => user))) {
        const expected = byDefinition(times.filter(([name]) => name === user).map(([, time]) => time))
        for (const [time, start] of expected) assert.equal(index.sessionOf(user, time).startMs, start)
        sessions += new Set(expected.values()).size
      }
      assert.equal(index.sessions, sessions)
    })
  )
})

test('it says so when it is asked too early, told too late, or asked for strangers', () => {
  const index = new SessionIndex()
  index.add('ann', 5)
  assert.throws(() => index.sessionOf('ann', 5), /not sealed/)
  index.seal()
  index.seal()
  assert.throws(() => index.add('ann', 6), /sealed/)
  assert.throws(() => index.sessionOf('bob', 5), RangeError)
  assert.throws(() => index.sessionOf('ann', 4), RangeError)
})
