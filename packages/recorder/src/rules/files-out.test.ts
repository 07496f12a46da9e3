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

test('it is told since the first of its errors', () => {
  const tape = new Tape().seconds(60)
  const began = tape.at
  for (let round = 0; round < 24; round++)
    tape.happens('error', { code: 'EMFILE', message: 'accept EMFILE', where: 'http' }).seconds(5)
  const [first] = diagnose(tape.records).causes
  assert.deepEqual([first?.rule, first?.since], ['files-out', began])
})
