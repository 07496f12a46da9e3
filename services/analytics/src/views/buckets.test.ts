import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bucketOf, spansOf } from './buckets.ts'

const hour = 3_600_000
const day = 24 * hour
const at = (iso: string) => Date.parse(iso)

test('a bucket begins with its minute, hour or day, in UTC', () => {
  const moment = at('2026-05-17T23:59:59.999Z')
  assert.equal(bucketOf('m', moment), at('2026-05-17T23:59:00Z'))
  assert.equal(bucketOf('h', moment), at('2026-05-17T23:00:00Z'))
  assert.equal(bucketOf('d', moment), at('2026-05-17T00:00:00Z'))
  assert.equal(bucketOf('d', moment + 1), at('2026-05-18T00:00:00Z'))
  assert.equal(bucketOf('d', -1), -day, 'also before 1970')
})

test('a range is read as whole days, and as hours at its edges', () => {
  const [from, to] = [at('2026-05-16T22:00:00Z'), at('2026-05-19T03:00:00Z')]
  assert.deepEqual(spansOf(from, to), [
    { width: 'd', from: at('2026-05-17T00:00:00Z'), to: at('2026-05-19T00:00:00Z') },
    { width: 'h', from, to: at('2026-05-17T00:00:00Z') },
    { width: 'h', from: at('2026-05-19T00:00:00Z'), to }
  ])
  const whole = at('2026-05-17T00:00:00Z')
  assert.deepEqual(spansOf(whole, whole + day), [{ width: 'd', from: whole, to: whole + day }])
  assert.deepEqual(spansOf(whole + hour, whole + day + hour), [
    { width: 'h', from: whole + hour, to: whole + day + hour }
  ])
})

test('the spans of any range are the range: each hour once, and hours only where no whole day is', () => {
  const hours = fc.integer({ min: -2_000, max: 500_000 })
  fc.assert(
    fc.property(hours, fc.integer({ min: 1, max: 2_000 }), (start, length) => {
      const [from, to] = [start * hour, (start + length) * hour]
      const spans = spansOf(from, to)
      const covered = spans
        .flatMap(span => Array.from({ length: (span.to - span.from) / hour }, (_, n) => span.from + n * hour))
        .sort((a, b) => a - b)
      assert.deepEqual(
        covered,
        Array.from({ length }, (_, n) => from + n * hour)
      )
      for (const span of spans) {
        if (span.width === 'd') assert.deepEqual([span.from % day, span.to % day].map(Math.abs), [0, 0])
        else assert.ok(span.to - span.from < 2 * day)
      }
    }),
    { numRuns: 300 }
  )
})
