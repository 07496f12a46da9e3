import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describe, type Standing } from './freshness.ts'

const asOf = '2026-03-10T14:03:22.000Z'
const now = Date.parse('2026-03-10T14:03:23.000Z')
const fresh = { asOf, lagMs: 0, complete: true, unknownShare: 0, stale: false }
const standing = (change: Partial<Standing>): Standing => ({
  freshness: fresh,
  confirmedAt: undefined,
  failing: false,
  superseded: false,
  ...change
})

test('a live answer says as of when, how far behind and that it is complete', () => {
  assert.deepEqual(describe(standing({}), now), {
    tone: 'live',
    parts: ['as of 14:03:22 UTC', 'lag 0 s', 'complete']
  })
})

test('an answer that is behind says so, and the share that is unknown', () => {
  const badge = describe(standing({ freshness: { ...fresh, complete: false, lagMs: 1500, unknownShare: 0.034 } }), now)
  assert.equal(badge.tone, 'behind')
  assert.deepEqual(badge.parts.slice(1), ['lag 1.5 s', 'catching up', '3.40% unknown'])
})

test('a stale answer says how old it is, and the age counts up', () => {
  const stale = standing({ freshness: { ...fresh, stale: true } })
  assert.equal(describe(stale, now + 180_000).parts[0], 'stale: last good answer, 3 min old')
  assert.equal(describe(stale, now + 240_000).parts[0], 'stale: last good answer, 4 min old')
})

test('a platform that does not answer makes the last good answer stale, not absent', () => {
  const badge = describe(standing({ failing: true }), now + 9000)
  assert.equal(badge.tone, 'stale')
  assert.equal(badge.parts[0], 'stale: last good answer, 10 s old')
})

test('a complete answer confirmed as unchanged is as of the confirmation; an incomplete one is not', () => {
  const confirmedAt = now + 60_000
  assert.equal(describe(standing({ confirmedAt }), confirmedAt).parts[0], 'as of 14:04:23 UTC')
  const behind = standing({ confirmedAt, freshness: { ...fresh, complete: false } })
  assert.equal(describe(behind, confirmedAt).parts[0], 'as of 14:03:22 UTC')
})

test('numbers of the former view are marked while the new one is asked for', () => {
  assert.equal(describe(standing({ superseded: true }), now).tone, 'waiting')
  const lost = describe(standing({ superseded: true, failing: true }), now)
  assert.equal(lost.tone, 'stale')
  assert.ok(lost.parts.includes('not yet the view now chosen'))
})

test('before the first answer nothing is claimed', () => {
  assert.equal(describe(standing({ freshness: undefined }), now).tone, 'waiting')
  assert.equal(describe(standing({ freshness: undefined, failing: true }), now).tone, 'stale')
})
