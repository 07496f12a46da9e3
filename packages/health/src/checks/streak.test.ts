import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nextStreak, UNKNOWN } from './streak.ts'

const statuses = (results: boolean[], after = { failAfter: 3, passAfter: 2 }) => {
  let streak = UNKNOWN
  return results.map(ok => {
    streak = nextStreak(streak, ok, after)
    return streak.status
  })
}

test('the first result decides at once', () => {
  assert.deepEqual([statuses([true]), statuses([false])], [['pass'], ['fail']])
})

test('it takes three failures in a row to fail and two successes in a row to pass', () => {
  const [yes, no] = [true, false]
  assert.deepEqual(statuses([yes, no, no, yes, no, no, no]), ['pass', 'pass', 'pass', 'pass', 'pass', 'pass', 'fail'])
  assert.deepEqual(statuses([no, yes, no, yes, yes]), ['fail', 'fail', 'fail', 'fail', 'pass'])
})

test('one that flaps stays what it was', () => {
  const flapping = Array.from({ length: 50 }, (_, n) => n % 2 === 0)
  assert.deepEqual(new Set(statuses(flapping)), new Set(['pass']))
  assert.deepEqual(new Set(statuses([false, ...flapping])), new Set(['fail']))
})

test('it changes exactly when the last results in a row are enough', () => {
  const count = fc.integer({ min: 1, max: 5 })
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 1 }), count, count, (results, failAfter, passAfter) => {
      const found = statuses(results, { failAfter, passAfter })
      for (let i = 1; i < results.length; i++) {
        const needed = found[i - 1] === 'pass' ? failAfter : passAfter
        const lastOnes = results.slice(Math.max(0, i - needed + 1), i + 1)
        const against = found[i - 1] !== 'pass'
        // The run must lie after the last change, which held results of the other sort.
        const turned = lastOnes.length === needed && lastOnes.every(ok => ok === against)
        assert.equal(found[i] !== found[i - 1], turned)
      }
    })
  )
})
