import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { afterFailure, afterSuccess, freshPace, longestMs, paid, retryAfterOf, waitOf } from './pace.ts'
import type { Pace } from './ports.ts'

test('the wait is anywhere below a ceiling that doubles, from a second to five minutes', () => {
  let pace: Pace = freshPace
  const ceilings = Array.from({ length: 12 }, () => {
    const { until } = afterFailure(pace, {}, 0, 1)
    assert.equal(afterFailure(pace, {}, 0, 0).until, 0, 'full jitter begins at nothing')
    pace = { ...afterFailure(pace, {}, 0, 1) }
    return until
  })
  assert.deepEqual(ceilings.slice(0, 4), [1_000, 2_000, 4_000, 8_000])
  assert.equal(ceilings.at(-1), longestMs)
})

test('what the server asks for is waited out, with jitter on top', () => {
  for (const random of [0, 0.5, 1]) {
    const pace = afterFailure(freshPace, { retryAfterMs: 30_000 }, 100, random)
    assert.equal(pace.until, 100 + 30_000 + random * 1_000)
    assert.equal(pace.told, true)
  }
})

test('a refusal is tried again after 7.5 to 22.5 minutes, however often', () => {
  assert.equal(afterFailure(freshPace, { refused: true }, 0, 0).until, 450_000)
  assert.equal(afterFailure({ ...freshPace, failures: 9 }, { refused: true }, 0, 1).until, 1_350_000)
})

test('fast retries are at most ten and a fifth of the successes; beyond that they wait minutes', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 300 }), outcomes => {
      let pace: Pace = freshPace
      let fast = 0
      let successes = 0
      let wasFast = false
      for (const succeeds of outcomes) {
        if (pace.failures > 0 && wasFast) fast++
        pace = paid(pace)
        if (succeeds) {
          pace = afterSuccess(pace)
          successes++
        } else {
          // With the highest random number, only a wait that the budget made long is the longest so early.
          const waited = afterFailure({ ...pace, failures: 0 }, {}, 0, 0).until
          wasFast = waited === 0
          pace = afterFailure(pace, {}, 0, 0)
          assert.ok(wasFast || waited >= longestMs / 2)
        }
      }
      assert.ok(fast <= 10 + successes / 5 + 1e-6, `${fast} fast retries, ${successes} successes`)
    })
  )
})

test('Retry-After is seconds or a date, which is measured by the server’s clock', () => {
  const noon = 'Wed, 21 Oct 2026 12:00:00 GMT'
  assert.equal(retryAfterOf('30', null, 0), 30_000)
  assert.equal(retryAfterOf('Wed, 21 Oct 2026 12:00:10 GMT', noon, 5), 10_000)
  assert.equal(retryAfterOf('Wed, 21 Oct 2026 12:00:10 GMT', null, Date.parse(noon)), 10_000)
  assert.equal(retryAfterOf('Wed, 21 Oct 2026 11:00:00 GMT', noon, 5), 0)
  assert.equal(retryAfterOf('soon', null, 0), undefined)
  assert.equal(retryAfterOf(null, noon, 0), undefined)
})

test('no wait is longer than a day, whatever was asked for or the clock did', () => {
  assert.equal(afterFailure(freshPace, { retryAfterMs: 1e12 }, 0, 1).until, 86_400_000)
  assert.equal(waitOf({ ...freshPace, until: 1e12 }, 0), 0, 'the clock was set back by years')
  assert.equal(waitOf({ ...freshPace, until: 100 }, 40), 60)
})
