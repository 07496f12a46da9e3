import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { Tape } from './tape.ts'

test('a process at its limit of open files', () => {
  const tape = new Tape().seconds(60)
  assert.deepEqual(diagnose(tape.records).causes, [])
  tape.happens('error', { code: 'EMFILE', message: 'accept EMFILE', where: 'http' })
  tape.seconds(4, { 'files.open': 256, 'files.limit': 256 })
  const [first] = diagnose(tape.records).causes
  assert.equal(first?.rule, 'files-out')
  assert.equal(first.subject, 'platform')
})
