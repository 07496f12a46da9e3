import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { Tape } from './tape.ts'

test('calls that all fail at once: nobody is there', () => {
  const tape = new Tape().seconds(60)
  assert.deepEqual(diagnose(tape.records).causes, [])
  tape.happens(
    'error',
    { code: 'ECONNREFUSED', message: 'connect ECONNREFUSED 127.0.0.1:1', where: 'metadata' },
    'metadata'
  )
  tape.seconds(3, { 'dependency.metadata.calls': 40, 'dependency.metadata.failed': 40, 'dependency.metadata.p99': 1 })
  tape.seconds(6, {
    'dependency.metadata.calls': 0,
    'dependency.metadata.refused': 40,
    'dependency.metadata.breaker': 2
  })
  const [first] = diagnose(tape.records).causes
  assert.equal(first?.rule, 'dead-dependency')
  assert.equal(first.subject, 'metadata')
  assert.match(first.evidence.map(({ text }) => text).join(), /100 % of 120 calls failed: ECONNREFUSED/)
})

test('one that was slow and refuses connections now is gone', () => {
  const slow = {
    'dependency.metadata.timed-out': 50,
    'dependency.metadata.failed': 50,
    'dependency.metadata.probe': 812
  }
  const tape = new Tape().seconds(60).seconds(6, slow)
  assert.equal(diagnose(tape.records).causes[0]?.rule, 'slow-dependency')
  tape.seconds(3, {
    'dependency.metadata.calls': 0,
    'dependency.metadata.breaker': 2,
    'dependency.metadata.probe.refused': 1
  })
  assert.equal(diagnose(tape.records).causes[0]?.rule, 'dead-dependency')
})
