import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { Tape } from './tape.ts'

test('more than can be written, of everybody', () => {
  const tape = new Tape().seconds(60)
  assert.deepEqual(diagnose(tape.records).causes, [])
  tape.seconds(6, { 'http.requests': 900, 'http.refused': 300, 'ingest.accepted': 3_000, 'store.primary.commit': 180 })
  const [first] = diagnose(tape.records).causes
  assert.equal(first?.rule, 'overload')
  assert.equal(first.subject, 'platform')
})
