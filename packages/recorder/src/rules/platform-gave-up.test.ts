import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { Tape } from './tape.ts'

const taken = 'listen EADDRINUSE: address already in use 127.0.0.1:7070'

test('a start that is refused again and again says why, and what to do', () => {
  const tape = new Tape().seconds(60)
  assert.deepEqual(diagnose(tape.records).causes, [])
  tape.happens('exit', { code: null, signal: 'SIGKILL', uptime: 60_000 }, undefined, 'watcher')
  for (let again = 0; again < 3; again++) {
    tape.silence(2, { 'platform.phase': 0 }).happens('start')
    tape.silence(1, { 'platform.phase': 0 }).happens('refused-to-start', { why: taken }, undefined, 'watcher')
    tape.silence(1, { 'platform.phase': 0 }).happens('exit', { code: 2, signal: null }, undefined, 'watcher')
  }
  const [first, second] = diagnose(tape.records).causes
  assert.deepEqual([first?.rule, second?.rule], ['platform-gave-up', 'platform-killed'])
  assert.equal(first?.title, `The platform would not start: ${taken}`)
  assert.match(first.evidence[0]!.text, /EADDRINUSE/)
  assert.match(first.evidence[1]!.text, /ended by itself with code 2; 3 times within 8 s/)
  assert.equal(first.lever.name, 'do what it says')
  tape.silence(2, { 'platform.phase': 0 }).happens('start').happens('ready').seconds(70)
  assert.deepEqual(diagnose(tape.records).causes, [])
})

test('a start that was refused before there was a process', () => {
  const tape = new Tape().seconds(60).happens('signal', {}, 'SIGTERM', 'watcher')
  tape.happens('close', { why: 'SIGTERM', code: 0 }).happens('exit', { code: 0, signal: null }, undefined, 'watcher')
  tape.happens('close', { why: 'the platform was stopped' }, undefined, 'watcher')
  tape.at += 5_000
  tape.happens('refused-to-start', { why: '--port: port must be a port' }, undefined, 'watcher')
  const { causes, summary } = diagnose(tape.records, { silentMs: 60_000 })
  assert.deepEqual(
    causes.map(({ rule, title }) => [rule, title]),
    [['platform-gave-up', 'The platform would not start: --port: port must be a port']]
  )
  assert.ok(summary.length > 0)
})

test('a store that is gone is the cause, and that the platform ended itself for it follows', () => {
  const why = 'the embedded engine exited by itself'
  const tape = new Tape().seconds(60).happens('store', { state: 'away', why }, 'read')
  tape.happens('close', { why: `a store is gone: ${why}`, code: 1 })
  tape.seconds(1, { 'store.read.up': 0 }).happens('exit', { code: 1, signal: null }, undefined, 'watcher')
  tape.silence(3, { 'platform.phase': 0 }).happens('start').happens('ready').seconds(20)
  const { causes } = diagnose(tape.records)
  assert.deepEqual(
    causes.map(({ rule, subject, symptoms }) => [rule, subject, symptoms.map(one => one.rule)]),
    [['store-gone', 'read', ['platform-gave-up']]]
  )
  assert.match(causes[0]!.evidence[0]!.text, /the embedded engine exited by itself/)
  assert.equal(causes[0]!.lever.name, 'restart by the watcher')
  assert.doesNotMatch(JSON.stringify(causes), /nobody had told it to stop/)
})

test('it is one cause, whether its store was seen to be away or not', () => {
  const tape = new Tape().seconds(60).happens('store', { state: 'away', why: 'gone' }, 'primary')
  tape.happens('close', { why: 'a store is gone: gone', code: 1 })
  tape.seconds(6, { 'store.primary.up': 0, 'store.read.up': 0 })
  tape.happens('exit', { code: 1, signal: null }, undefined, 'watcher').silence(2, { 'platform.phase': 2 })
  const { causes } = diagnose(tape.records)
  assert.deepEqual(
    causes.map(({ rule, subject }) => [rule, subject]),
    [['store-gone', 'primary']]
  )
})
