import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { Tape } from './tape.ts'

test('a subscriber that is not alive', () => {
  const tape = new Tape().seconds(60)
  assert.deepEqual(diagnose(tape.records).causes, [])
  tape.seconds(4, { 'subscriber.analytics.alive': 0, 'subscriber.analytics.rate': 0 })
  const [first] = diagnose(tape.records).causes
  assert.equal(first?.rule, 'subscriber-dead')
  assert.equal(first.subject, 'analytics')
})
