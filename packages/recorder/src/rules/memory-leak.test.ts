import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { memoryLeak, outsideHeap } from './memory-leak.ts'
import { Tape } from './tape.ts'

test('a heap that also grows where it is lowest', () => {
  const tape = new Tape().seconds(60)
  assert.deepEqual(diagnose(tape.records).causes, [])
  tape.seconds(40, second => ({ 'memory.heap': 100e6 + second * 4e6 + (second % 4) * 3e6, 'memory.heap.limit': 280e6 }))
  const [first] = diagnose(tape.records).causes
  assert.equal(first?.rule, 'memory-leak')
  assert.equal(first.subject, 'platform')
  assert.match(first.evidence[1]!.text, /a second/)
  assert.deepEqual(first.lever, memoryLeak.lever)
})

test('a process that grows beside its heap is not told to have a larger heap', () => {
  const tape = new Tape().seconds(60, { 'memory.limit': 800e6 })
  tape.seconds(40, second => ({ 'memory.rss': 410e6 + second * 8e6, 'memory.limit': 800e6 }))
  const [first] = diagnose(tape.records).causes
  assert.equal(first?.rule, 'memory-leak')
  assert.match(first.evidence.at(-1)!.text, /its heap is 92 MB; before it was 92 MB/)
  assert.deepEqual(first.lever, outsideHeap)
  assert.match(first.lever.action, /larger heap .* does not help/)
  assert.ok(first.lever.action.length <= 400, 'a report cuts longer ones')
})

test('what grows in the first minute of a platform is no leak, and what grows on is one since then', () => {
  const grown = (second: number) => ({ 'memory.heap': 100e6 + second * 2.2e6, 'memory.heap.limit': 400e6 })
  const tape = new Tape().seconds(60).happens('start').seconds(3).happens('ready')
  const ready = tape.at
  tape.seconds(58, grown)
  assert.deepEqual(diagnose(tape.records).causes, [])
  const leak = new Tape()
  leak.records.push(...tape.records)
  leak.at = tape.at
  assert.deepEqual(diagnose(tape.seconds(30, grown(58)).records).causes, [])
  leak.seconds(60, second => grown(58 + second))
  const [first] = diagnose(leak.records).causes
  assert.equal(first?.rule, 'memory-leak')
  assert.ok(first.since < ready + 15_000, 'it is told since it began')
})
