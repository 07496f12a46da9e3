import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { killedForMemory, outOfMemory } from './out-of-memory.ts'
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
  assert.deepEqual(first.lever, outOfMemory.lever)
  assert.match(first.evidence[1]!.text, /252 MB of the 260 MB/)
})

test('a kill by the kernel is told by the memory of the process, and a larger heap is no lever for it', () => {
  const held = { 'memory.limit': 512e6, 'memory.heap': 180e6, 'memory.heap.limit': 4_400e6 }
  const tape = new Tape().seconds(60, { ...held, 'memory.rss': 300e6 })
  // Its last look finds it half gone.
  tape.seconds(3, { ...held, 'memory.rss': 505e6, 'memory.available': 3e6 }, { 'platform.rss': 20e6 })
  const exit = { code: null, signal: 'SIGKILL', uptime: 63_000, memory: 20e6, 'killed-for-memory': true }
  tape.happens('exit', exit, undefined, 'watcher')
  tape.silence(2, { 'platform.phase': 2 })
  const [first] = diagnose(tape.records).causes
  assert.equal(first?.rule, 'out-of-memory')
  const told = first.evidence.map(({ text }) => text).join('; ')
  assert.match(told, /505 MB of the 512 MB/)
  assert.match(told, /3 MB were left/)
  assert.doesNotMatch(told, /180 MB|4\.4 GB/)
  assert.deepEqual(first.lever, killedForMemory)
  assert.match(first.lever.action, /larger heap makes it worse/)
  assert.ok(first.lever.action.length <= 400, 'a report cuts longer ones')
})

test('a kill by the kernel of which only the watcher has figures is told by them', () => {
  const tape = new Tape().silence(60, { 'platform.rss': 410e6 })
  tape.happens('exit', { code: null, signal: 'SIGKILL', 'killed-for-memory': true }, undefined, 'watcher')
  tape.silence(2, { 'platform.phase': 2 })
  const [first] = diagnose(tape.records).causes
  assert.equal(first?.rule, 'out-of-memory')
  assert.match(first.evidence[1]!.text, /its process last held 410 MB/)
})
