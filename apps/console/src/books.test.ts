import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LedgerAnswer } from './api/types.ts'
import { audit } from './books.ts'

const ledger: LedgerAnswer = {
  project: 'default',
  received: 10_000,
  accepted: 9999,
  duplicate: 0,
  rejected: 1,
  quarantined: 0,
  counted: 9999,
  spooled: 0,
  spool: { events: 0, bytes: 0, oldestAgeMs: null },
  pending: 0,
  balanced: true,
  refused: {},
  clientLosses: {},
  asOf: '2026-03-10T14:00:00.000Z'
}

test('books that hold are balanced', () => assert.equal(audit(ledger).verdict, 'balanced'))

test('one event short in either equation is named with its difference', () => {
  const lost = audit({ ...ledger, received: 10_001 })
  assert.equal(lost.verdict, 'not balanced')
  assert.equal(lost.received.difference, 1)
  assert.equal(audit({ ...ledger, counted: 10_000 }).accepted.difference, -1)
})

test('a platform that calls its books unbalanced is believed, whatever the sums say', () => {
  assert.equal(audit({ ...ledger, balanced: false }).verdict, 'not balanced')
})

test('while the read side cannot be asked the books are not known, neither right nor wrong', () => {
  const books = audit({ ...ledger, counted: null, pending: null, balanced: false })
  assert.equal(books.verdict, 'unknown')
  assert.equal(books.received.holds, true)
})
