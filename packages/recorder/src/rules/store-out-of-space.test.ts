import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { Tape } from './tape.ts'

test('a store whose disk is full while ours has room', () => {
  const tape = new Tape().seconds(60)
  assert.deepEqual(diagnose(tape.records).causes, [])
  tape.happens('error', {
    code: '53100',
    message: 'could not extend file: No space left on device',
    where: 'primary',
    count: 3
  })
  tape.seconds(4, { 'spool.events': 900 })
  const [first] = diagnose(tape.records).causes
  assert.equal(first?.rule, 'store-out-of-space')
  assert.equal(first.subject, 'primary')
})

test('a server that says so in words of its own, under another code', () => {
  const tape = new Tape().seconds(60)
  const message = 'could not write to file "pg_wal/xlogtemp.1": No space left on device'
  tape.happens('error', { code: '25006', message, where: 'primary' }).seconds(4)
  assert.equal(diagnose(tape.records).causes[0]?.rule, 'store-out-of-space')
})
