import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { Tape } from './tape.ts'

test('calls that are taken and never answered', () => {
  const tape = new Tape().seconds(60)
  assert.deepEqual(diagnose(tape.records).causes, [])
  tape.seconds(2, {
    'dependency.metadata.calls': 50,
    'dependency.metadata.timed-out': 50,
    'dependency.metadata.failed': 50,
    'dependency.metadata.p99': 200
  })
  tape.seconds(8, {
    'dependency.metadata.calls': 0,
    'dependency.metadata.refused': 20,
    'dependency.metadata.breaker': 2
  })
  const [first] = diagnose(tape.records).causes
  assert.equal(first?.rule, 'hanging-dependency')
  assert.equal(first.subject, 'metadata')
})
