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
