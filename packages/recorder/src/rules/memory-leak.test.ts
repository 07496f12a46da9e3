import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { Tape } from './tape.ts'

test('a heap that also grows where it is lowest', () => {
  const tape = new Tape().seconds(60)
  assert.deepEqual(diagnose(tape.records).causes, [])
  tape.seconds(40, second => ({ 'memory.heap': 100e6 + second * 4e6 + (second % 4) * 3e6, 'memory.heap.limit': 280e6 }))
  const [first] = diagnose(tape.records).causes
  assert.equal(first?.rule, 'memory-leak')
  assert.equal(first.subject, 'platform')
  assert.match(first.evidence[1]!.text, /a second/)
})
