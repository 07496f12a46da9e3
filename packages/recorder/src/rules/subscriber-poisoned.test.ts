import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { Tape } from './tape.ts'

test('a subscriber that fails again and again', () => {
  const tape = new Tape().seconds(60)
  assert.deepEqual(diagnose(tape.records).causes, [])
  tape.happens('subscriber', { state: 'failing', why: 'column "tier" does not exist' }, 'analytics')
  tape.seconds(6, second => ({
    'subscriber.analytics.failures': second,
    'subscriber.analytics.lag.time': 1_000 * second
  }))
  const [first] = diagnose(tape.records).causes
  assert.equal(first?.rule, 'subscriber-poisoned')
  assert.equal(first.subject, 'analytics')
  assert.match(first.evidence.map(({ text }) => text).join(), /it says: column "tier" does not exist/)
})
