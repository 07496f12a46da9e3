import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { Tape } from './tape.ts'

test('a store that does not answer', () => {
  const tape = new Tape().seconds(60)
  assert.deepEqual(diagnose(tape.records).causes, [])
  tape.happens('store', { state: 'away', why: 'connect ECONNREFUSED' }, 'primary')
  tape.seconds(5, { 'store.primary.up': 0, 'spool.events': 4_000 })
  const [first] = diagnose(tape.records).causes
  assert.equal(first?.rule, 'store-gone')
  assert.equal(first.subject, 'primary')
})

test('both stores of one server are one cause', () => {
  const tape = new Tape().seconds(60)
  tape.seconds(5, { 'store.primary.up': 0, 'store.read.up': 0 })
  const [first, ...others] = diagnose(tape.records).causes
  assert.deepEqual([first?.rule, first?.subject, first?.also, others], ['store-gone', 'primary', ['read'], []])
})

test('a store that goes later has a reason of its own', () => {
  const tape = new Tape().seconds(60)
  tape.seconds(12, { 'store.read.up': 0 }).seconds(6, { 'store.primary.up': 0, 'store.read.up': 0 })
  assert.deepEqual(
    diagnose(tape.records).causes.map(({ subject }) => subject),
    ['read', 'primary']
  )
})
