import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { Tape } from './tape.ts'

test('a subscriber that handles less than it is given', () => {
  const tape = new Tape().seconds(60)
  assert.deepEqual(diagnose(tape.records).causes, [])
  tape.seconds(20, second => ({
    'subscriber.analytics.rate': 300,
    'subscriber.analytics.lag.time': 800 * second,
    'subscriber.analytics.lag': 1_200 * second
  }))
  const [first] = diagnose(tape.records).causes
  assert.equal(first?.rule, 'subscriber-slow')
  assert.equal(first.subject, 'analytics')
})

test('one that has just begun has much before it, and is not slow', () => {
  const tape = new Tape().seconds(60, { 'subscriber.analytics.rate': 0, 'subscriber.analytics.lag.time': 0 })
  tape.seconds(20, second => ({ 'subscriber.analytics.rate': 300, 'subscriber.analytics.lag.time': 800 * second }))
  assert.deepEqual(diagnose(tape.records).causes, [])
})
