import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { Tape } from './tape.ts'

const killed = { code: null, signal: 'SIGKILL', uptime: 60_000 }

test('an end that nobody asked for', () => {
  const tape = new Tape().seconds(60)
  assert.deepEqual(diagnose(tape.records).causes, [])
  tape.happens('exit', killed, undefined, 'watcher')
  tape.silence(2, { 'platform.phase': 2 })
  const [first] = diagnose(tape.records).causes
  assert.equal(first?.rule, 'platform-killed')
  assert.equal(first.subject, 'platform')
  assert.match(first.title, /is dead: it was ended by SIGKILL/)
})

test('is told while it lasts, and for a minute after', () => {
  const tape = new Tape().seconds(60).happens('exit', killed, undefined, 'watcher')
  tape.silence(100, { 'platform.phase': 0 })
  assert.equal(diagnose(tape.records).causes[0]?.until, undefined, 'a start that takes long is no end of it')
  tape.happens('start').happens('ready').seconds(58)
  const [first] = diagnose(tape.records).causes
  assert.match(first!.title, /died: it was ended by SIGKILL/)
  assert.ok(first!.until! - first!.since >= 100_000)
  assert.deepEqual(diagnose(tape.seconds(5).records).causes, [])
})

test('a stop that takes too long is ended by the watcher, and was asked for', () => {
  const tape = new Tape().seconds(60).happens('signal', {}, 'SIGTERM', 'watcher')
  tape.happens('signal', {}, 'SIGTERM').happens('close', { why: 'SIGTERM', code: 0 })
  tape.seconds(15, {}, { 'platform.phase': 3 }).happens('exit', killed, undefined, 'watcher')
  assert.deepEqual(diagnose(tape.records).causes, [])
})

test('a kill soon after a restart that was asked for was not asked for', () => {
  const tape = new Tape().seconds(60).happens('signal', {}, 'SIGTERM').happens('close', { why: 'SIGTERM', code: 0 })
  tape.silence(1, { 'platform.phase': 3 }).happens('exit', { code: 0, signal: null }, undefined, 'watcher')
  tape.silence(1, { 'platform.phase': 0 }).happens('start').happens('ready').seconds(20)
  tape.happens('exit', killed, undefined, 'watcher').silence(1, { 'platform.phase': 2 })
  assert.equal(diagnose(tape.records).causes[0]?.rule, 'platform-killed')
})
