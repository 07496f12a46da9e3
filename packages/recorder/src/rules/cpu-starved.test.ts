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

const named = (records: Tape['records']) => diagnose(records).causes.map(({ rule }) => rule)

test('our own burst on a machine of one processor is none of others', () => {
  const tape = new Tape().seconds(60, { 'cpu.cores': 1, 'cpu.process': 0.4 })
  tape.seconds(8, { 'cpu.cores': 1, 'cpu.machine': 1, 'cpu.process': 0.92, 'cpu.waiting': 2, 'loop.delay.p99': 120 })
  assert.ok(!named(tape.records).includes('cpu-starved'))
})

test('one busy program on each of eight processors', () => {
  const tape = new Tape().seconds(60, { 'cpu.cores': 8, 'cpu.process': 1.2 })
  tape.seconds(8, { 'cpu.cores': 8, 'cpu.machine': 1, 'cpu.process': 1.6, 'cpu.waiting': 2 })
  assert.equal(named(tape.records)[0], 'cpu-starved')
})

test('of a machine whose processors nobody counted nothing is said', () => {
  const tape = new Tape().seconds(60)
  tape.seconds(8, { 'cpu.machine': 1, 'cpu.process': 0.4, 'cpu.waiting': 2, 'loop.delay.p99': 120 })
  assert.ok(named(tape.records).includes('cpu-starved'))
  const uncounted = tape.records.map(record => {
    if (record.kind !== 'sample') return record
    const { 'cpu.cores': _, ...values } = record.values
    return { ...record, values }
  })
  assert.ok(!named(uncounted).includes('cpu-starved'))
})
