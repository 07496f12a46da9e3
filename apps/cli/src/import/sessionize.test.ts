import assert from 'node:assert/strict'
import { test } from 'node:test'
import { visitGapMs as sessionGapMs } from '@plimsoll/service-telemetry/visits'
import fc from 'fast-check'
import { SessionIndex } from './sessionize.ts'

const minute = 60_000

function indexOf(times: [user: string, timeMs: number][]): SessionIndex {
  const index = new SessionIndex()
  for (const [user, timeMs] of times) index.add(user, timeMs)
  return index
}

test('thirty minutes is the same session, a moment more is a new one', () => {
  const times: [string, number][] = [
    ['ann', 0],
    ['ann', 30 * minute]
  ]
  assert.equal(indexOf(times).sessions, 1)
  assert.equal(indexOf([...times, ['ann', 60 * minute + 1]]).sessions, 2)
})

test('users do not share sessions', () => {
  const index = indexOf([
    ['ann', 0],
    ['bob', minute]
  ])
  assert.deepEqual([index.sessions, index.users], [2, 2])
})

test('a time that comes late joins what it lies between', () => {
  const apart: [string, number][] = [
    ['ann', 0],
    ['ann', 50 * minute]
  ]
  assert.equal(indexOf(apart).sessions, 2)
  assert.equal(indexOf([...apart, ['ann', 25 * minute]]).sessions, 1)
})

test('a session counts on the day on which it began', () => {
  const day = 24 * 60 * minute
  const index = indexOf([
    ['ann', day - minute],
    ['ann', day + minute],
    ['bob', day],
    ['cat', 0]
  ])
  assert.deepEqual(index.byDay(), { '1970-01-01': 2, '1970-01-02': 1 })
})

/** The definition, slowly: sort, and begin anew after each gap. */
function startsByDefinition(times: number[]): number[] {
  const sorted = times.toSorted((a, b) => a - b)
  return sorted.filter((time, i) => i === 0 || time - sorted[i - 1]! > sessionGapMs)
}

test('the sessions are those of the definition, whatever the order', () => {
  const time = fc.nat({ max: 400 }).map(n => n * 10 * minute)
  const someTimes = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), time), { maxLength: 60 })
  fc.assert(
    fc.property(someTimes, times => {
      const index = indexOf(times)
      const starts = [...new Set(times.map(([user]) => user))].flatMap(user =>
        startsByDefinition(times.filter(([name]) => name === user).map(([, at]) => at))
      )
      assert.equal(index.sessions, starts.length)
      const days = starts.map(start => new Date(start).toISOString().slice(0, 10)).sort()
      assert.deepEqual(
        index.byDay(),
        Object.fromEntries(Object.entries(Object.groupBy(days, day => day)).map(([day, all]) => [day, all!.length]))
      )
    })
  )
})
