import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { Tape } from './tape.ts'

test('one statement that runs on while all others wait', () => {
  const tape = new Tape().seconds(60)
  assert.deepEqual(diagnose(tape.records).causes, [])
  tape.seconds(5, second => ({
    'store.primary.in-use': 10,
    'store.primary.held': 1_000 * (second + 1),
    'store.primary.waiting': 300,
    'store.primary.commit': 2_500
  }))
  const [first] = diagnose(tape.records).causes
  assert.equal(first?.rule, 'pool-exhausted')
  assert.equal(first.subject, 'primary')
})
