import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { Tape } from './tape.ts'

test('an abort with a full heap, before which it had grown', () => {
  const tape = new Tape().seconds(60)
  assert.deepEqual(diagnose(tape.records).causes, [])
  tape.seconds(20, second => ({ 'memory.heap': 100e6 + second * 8e6, 'memory.heap.limit': 260e6 }))
  tape.happens('exit', { code: null, signal: 'SIGABRT', uptime: 80_000 }, undefined, 'watcher')
  tape.silence(2, { 'platform.phase': 2 })
  const [first] = diagnose(tape.records).causes
  assert.equal(first?.rule, 'out-of-memory')
  assert.equal(first.subject, 'platform')
})
