import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { Tape } from './tape.ts'

test('other programs that take the processors', () => {
  const tape = new Tape().seconds(60)
  assert.deepEqual(diagnose(tape.records).causes, [])
  tape.seconds(8, { 'cpu.machine': 1, 'cpu.process': 0.4, 'loop.delay.p99': 120, 'loop.delay.max': 300 })
  const [first] = diagnose(tape.records).causes
  assert.equal(first?.rule, 'cpu-starved')
  assert.equal(first.subject, 'processors')
})
