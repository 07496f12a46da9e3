import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { Tape } from './tape.ts'

test('a main loop that is silent while its process works', () => {
  const tape = new Tape().seconds(60)
  assert.deepEqual(diagnose(tape.records).causes, [])
  tape.silence(5, second => ({ 'platform.silent': 1_000 * (second + 1), 'platform.cpu': 1 }))
  const [first] = diagnose(tape.records).causes
  assert.equal(first?.rule, 'event-loop-blocked')
  assert.equal(first.subject, 'main loop')
})

test('a subscriber that has much before it when the loop is free again is its symptom', () => {
  const tape = new Tape().seconds(60)
  tape.silence(6, second => ({ 'platform.silent': 1_000 * (second + 1), 'platform.cpu': 1 }))
  tape.seconds(8, second => ({
    'subscriber.analytics.rate': 100,
    'subscriber.analytics.lag.time': 7_000 + 900 * second,
    'subscriber.analytics.lag': 2_000 + 500 * second
  }))
  assert.deepEqual(
    diagnose(tape.records).causes.map(({ rule, symptoms }) => [rule, symptoms.map(one => one.rule)]),
    [['event-loop-blocked', ['subscriber-slow']]]
  )
})
