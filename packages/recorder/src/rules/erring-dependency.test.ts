import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { Tape } from './tape.ts'

test('quick answers of which part are errors', () => {
  const tape = new Tape().seconds(60)
  assert.deepEqual(diagnose(tape.records).causes, [])
  tape.seconds(8, second => ({
    'dependency.metadata.calls': 100,
    'dependency.metadata.failed': second % 2 ? 7 : 6,
    'dependency.metadata.p99': 9
  }))
  const [first] = diagnose(tape.records).causes
  assert.equal(first?.rule, 'erring-dependency')
  assert.equal(first.subject, 'metadata')
})
