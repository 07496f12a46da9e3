import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { Tape } from './tape.ts'

test('a clock that is set an hour ahead', () => {
  const tape = new Tape().seconds(60)
  assert.deepEqual(diagnose(tape.records).causes, [])
  tape.seconds(1, { 'clock.jump': 3_600_000 }).seconds(3)
  const [first] = diagnose(tape.records).causes
  assert.equal(first?.rule, 'clock-jump')
  assert.equal(first.subject, 'clock')
})
