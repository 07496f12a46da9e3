import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LedgerAnswer, SpoolAnswer } from './api/types.ts'
import { clientLosses, hasBooks, spoolNote, spoolWords } from './beside-the-books.ts'

const now = Date.parse('2026-03-10T14:03:22.000Z')
const disk = { bytes: 400_000, maxBytes: 256_000_000, shed: 0 }
const waiting: SpoolAnswer = { project: 'shop', events: 1_234, oldestAgeMs: 239_000, ...disk, storeAway: true }
const none: SpoolAnswer = { project: 'shop', events: 0, oldestAgeMs: null, ...disk, storeAway: false }
const ledger: LedgerAnswer = {
  project: 'shop',
  received: 0,
  accepted: 0,
  duplicate: 0,
  rejected: 0,
  quarantined: 0,
  counted: 0,
  spooled: 0,
  spool: { events: 0, bytes: 0, oldestAgeMs: null },
  pending: 0,
  balanced: true,
  refused: {},
  clientLosses: {},
  asOf: '2026-03-10T14:00:00.000Z'
}
const noteOf = (spool: SpoolAnswer | undefined, change = {}) =>
  spoolNote({ spool, confirmedAt: now, failing: false, ...change }, now)
const wordsOf = (spool: SpoolAnswer, change = {}) => spoolWords(noteOf(spool, change)!)

test('nothing is said of a spool while nothing waits, there is none, or nobody was asked yet', () => {
  for (const spool of [none, { ...none, events: null }, undefined]) assert.equal(noteOf(spool), undefined)
})

test('what waits is told with its age and why', () => {
  assert.equal(noteOf(waiting)?.events, 1_234)
  assert.equal(wordsOf(waiting), 'the oldest for 3 min, the store is away')
  assert.equal(wordsOf({ ...waiting, events: 1, storeAway: false }), 'for 3 min, being written to the store')
})

test('a store that is away is told also while nothing of this project waits', () => {
  const others = { ...waiting, events: 0 }
  assert.deepEqual([noteOf(others)?.events, wordsOf(others)], [0, 'the store is away'])
})

test('the age goes on while the platform cannot be asked, and what is told is marked as old', () => {
  assert.equal(
    wordsOf(waiting, { confirmedAt: now - 120_000, failing: true }),
    'the oldest for 5 min, the store is away, last known'
  )
  assert.equal(
    noteOf(waiting, { confirmedAt: now + 500 })?.ageMs,
    239_000,
    'a clock that is a little ahead is no matter'
  )
})

test('losses are told by reason, the most first, and not at all where there are none', () => {
  const losses = { too_old: 2, queue_full: 40, 'rejected:too_old': 0, other: 2 }
  assert.deepEqual(clientLosses({ ...ledger, clientLosses: losses }), [
    ['queue_full', 40],
    ['other', 2],
    ['too_old', 2]
  ])
  assert.deepEqual(clientLosses(ledger), [])
  assert.deepEqual(clientLosses(undefined), [])
})

test('a project has books when anything came, was refused, was lost on its way, or waits', () => {
  assert.equal(hasBooks(undefined, undefined), false)
  assert.equal(hasBooks(ledger, none), false)
  assert.equal(hasBooks(ledger, waiting), true)
  assert.equal(hasBooks(undefined, waiting), true)
  for (const one of [{ received: 1 }, { refused: { malformed_json: 1 } }, { clientLosses: { queue_full: 1 } }]) {
    assert.equal(hasBooks({ ...ledger, ...one }, none), true, JSON.stringify(one))
  }
})
