import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { Tape } from './tape.ts'

test('a key whose time is over', () => {
  const tape = new Tape().seconds(60)
  assert.deepEqual(diagnose(tape.records).causes, [])
  tape.seconds(4, { 'expiry.write-key-shop': -5_000, 'http.denied': 40 })
  const [first] = diagnose(tape.records).causes
  assert.equal(first?.rule, 'expired')
  assert.equal(first.subject, 'write-key-shop')
})
