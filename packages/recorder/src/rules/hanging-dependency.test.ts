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

test('a question that was asked with patience is in vain, before half of the calls have ended', () => {
  const tape = new Tape().seconds(60)
  tape.seconds(5, second => ({
    'dependency.metadata.timed-out': 20,
    'dependency.metadata.failed': 20,
    'dependency.metadata.probe.waiting': 1_000 * second
  }))
  const [first] = diagnose(tape.records).causes
  assert.equal(first?.rule, 'hanging-dependency')
  assert.match(first.evidence[0]!.text, /asked with patience, metadata has not answered for 4 s/)
})
