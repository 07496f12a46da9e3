import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { Tape } from './tape.ts'

test('statements that do not end while connections are free', () => {
  const tape = new Tape().seconds(60, { 'store.primary.commits': 30 })
  assert.deepEqual(diagnose(tape.records).causes, [])
  tape.seconds(6, second => ({
    'store.primary.in-use': 2,
    'store.primary.held': 1_000 * (second + 1),
    'store.primary.commits': 0
  }))
  const [first] = diagnose(tape.records).causes
  assert.equal(first?.rule, 'store-stuck')
  assert.equal(first.subject, 'primary')
})
