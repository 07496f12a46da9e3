import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { Tape } from './tape.ts'

test('a disk that has no room under the spool', () => {
  const tape = new Tape().seconds(60)
  assert.deepEqual(diagnose(tape.records).causes, [])
  tape.happens('error', { code: 'ENOSPC', message: 'ENOSPC: no space left on device, write', where: 'spool' })
  tape.seconds(4, { 'disk.free': 0, 'spool.failed': 30, 'store.primary.up': 0, 'http.refused': 150 })
  const [first] = diagnose(tape.records).causes
  assert.equal(first?.rule, 'disk-full')
  assert.equal(first.subject, 'disk')
})

test('a quota that is full is told since its first error, whatever the disk has left', () => {
  const tape = new Tape().seconds(60)
  const began = tape.at
  for (let round = 0; round < 24; round++)
    tape.happens('error', { code: 'EDQUOT', message: 'EDQUOT: quota exceeded', where: 'spool' }).seconds(5)
  const [first] = diagnose(tape.records).causes
  assert.deepEqual([first?.rule, first?.since], ['disk-full', began])
})
