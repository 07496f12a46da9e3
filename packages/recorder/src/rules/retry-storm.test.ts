import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { Tape } from './tape.ts'

test('clients that send the same again and again', () => {
  const tape = new Tape().seconds(60)
  assert.deepEqual(diagnose(tape.records).causes, [])
  tape.seconds(8, {
    'http.requests': 2_400,
    'http.running': 300,
    'ingest.accepted': 900,
    'ingest.duplicate': 1_800,
    'http.refused': 200
  })
  const hungUp = new Tape().seconds(60).seconds(6, { 'http.requests': 900, 'http.abandoned': 700, 'http.refused': 300 })
  assert.equal(diagnose(hungUp.records).causes[0]?.rule, 'retry-storm')
  const [first] = diagnose(tape.records).causes
  assert.equal(first?.rule, 'retry-storm')
  assert.equal(first.subject, 'clients')
})
