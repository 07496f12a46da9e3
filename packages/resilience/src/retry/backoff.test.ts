import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Backoff, backoffMs } from './backoff.ts'
import { parseRetryAfter, retryAfterOf } from './retry-after.ts'

const full: Backoff = { baseMs: 100, maxMs: 1_000, jitter: 'full' }
const decorrelated: Backoff = { ...full, jitter: 'decorrelated' }

describe('a back-off', () => {
  it('doubles the range that it draws from, up to the cap', () => {
    const longest = [1, 2, 3, 4, 5, 1_000].map(n => backoffMs(full, n, 0, () => 1))
    assert.deepEqual(longest, [100, 200, 400, 800, 1_000, 1_000])
    assert.equal(
      backoffMs(full, 3, 0, () => 0),
      0
    )
  })

  it('still spreads at the cap, with either jitter (cockatiel and Polly align all clients there)', () => {
    for (const backoff of [full, decorrelated]) {
      const waits = new Set(Array.from({ length: 100 }, (_, i) => backoffMs(backoff, 20, 1_000, () => i / 100)))
      assert.equal(waits.size, 100)
      assert.ok(Math.max(...waits) <= 1_000)
      assert.ok(Math.max(...waits) - Math.min(...waits) > 800)
    }
  })

  it('draws the decorrelated one from the base to three times the wait before', () => {
    const at = (share: number, last: number) => backoffMs(decorrelated, 1, last, () => share)
    assert.deepEqual([at(0, 0), at(1, 0), at(1, 200), at(1, 900)], [100, 300, 600, 1_000])
  })
})

describe('Retry-After', () => {
  const now = Date.UTC(2026, 0, 1, 12, 0, 0)

  it('is seconds or a date', () => {
    assert.equal(parseRetryAfter('120', now), 120_000)
    assert.equal(parseRetryAfter('Thu, 01 Jan 2026 12:00:30 GMT', now), 30_000)
    assert.equal(parseRetryAfter('Thu, 01 Jan 2026 11:00:00 GMT', now), 0)
  })

  it('is nothing when it is neither', () => {
    for (const bad of [null, undefined, '', '-1', '1.5', 'soon', 'tomorrow at 2026', 'Thu, 99 Foo']) {
      assert.equal(parseRetryAfter(bad, now), null, String(bad))
    }
  })

  it('is found on an error, in its response or in its own field', () => {
    assert.equal(retryAfterOf({ retryAfterMs: 250 }, now), 250)
    assert.equal(retryAfterOf({ headers: { 'retry-after': '3' } }, now), 3_000)
    assert.equal(retryAfterOf({ response: { headers: new Headers({ 'Retry-After': '4' }) } }, now), 4_000)
    for (const none of [null, 'text', new Error('x'), { headers: null }, { headers: {} }, { retryAfterMs: -1 }]) {
      assert.equal(retryAfterOf(none, now), null)
    }
  })
})
