import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { Tape } from './tape.ts'

test('a process that is there and was stopped', () => {
  const tape = new Tape().seconds(60)
  assert.deepEqual(diagnose(tape.records).causes, [])
  tape.silence(5, second => ({ 'platform.silent': 1_000 * (second + 1), 'platform.cpu': 0, 'platform.stopped': 1 }))
  const { state, causes } = diagnose(tape.records)
  const [first] = causes
  assert.equal(state, 'down')
  assert.equal(first?.rule, 'platform-stopped')
  assert.equal(first.subject, 'platform')
})
