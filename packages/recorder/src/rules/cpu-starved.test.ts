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

test('threads that wait for a processor, though the main loop hardly does', () => {
  const tape = new Tape().seconds(60)
  tape.seconds(8, { 'cpu.machine': 1, 'cpu.process': 0.3, 'cpu.waiting': 1.6, 'loop.delay.p99': 12 })
  const [first] = diagnose(tape.records).causes
  assert.equal(first?.rule, 'cpu-starved')
  assert.match(first.evidence.map(({ text }) => text).join(), /1\.6 of our threads wait/)
})

test('a busy machine on which nothing of ours waits is none of our trouble', () => {
  const tape = new Tape().seconds(60)
  tape.seconds(8, { 'cpu.machine': 1, 'cpu.process': 0.3, 'cpu.waiting': 0.2, 'loop.delay.p99': 12 })
  assert.deepEqual(diagnose(tape.records).causes, [])
})
