import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { Tape } from './tape.ts'

test('one project that sends nearly all of what is refused', () => {
  const tape = new Tape().seconds(60)
  assert.deepEqual(diagnose(tape.records).causes, [])
  tape.happens('busiest-project', { share: 0.97 }, 'shop')
  tape.seconds(6, { 'http.requests': 3_000, 'http.refused': 1_900, 'ingest.busiest': 0.97, 'ingest.accepted': 9_000 })
  const [first] = diagnose(tape.records).causes
  assert.equal(first?.rule, 'flood')
  assert.equal(first.subject, 'shop')
})
