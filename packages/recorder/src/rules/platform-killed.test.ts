import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { Tape } from './tape.ts'

test('an end that nobody asked for', () => {
  const tape = new Tape().seconds(60)
  assert.deepEqual(diagnose(tape.records).causes, [])
  tape.happens('exit', { code: null, signal: 'SIGKILL', uptime: 60_000 }, undefined, 'watcher')
  tape.silence(2, { 'platform.phase': 2 })
  const [first] = diagnose(tape.records).causes
  assert.equal(first?.rule, 'platform-killed')
  assert.equal(first.subject, 'platform')
  assert.match(first.title, /SIGKILL/)
})
