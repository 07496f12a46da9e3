import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { Tape } from './tape.ts'

test('a broker that does not answer explains subscribers that fall behind', () => {
  const tape = new Tape().seconds(60)
  assert.deepEqual(diagnose(tape.records).causes, [])
  tape.seconds(14, second => ({
    'broker.redis.up': 0,
    'broker.redis.behind': 1_500 * second,
    'subscriber.analytics.rate': 0,
    'subscriber.analytics.lag.time': 1_000 * second
  }))
  const [first] = diagnose(tape.records).causes
  assert.equal(first?.rule, 'broker-gone')
  assert.equal(first.subject, 'redis')
  assert.deepEqual(
    first.symptoms.map(({ rule }) => rule),
    ['subscriber-dead']
  )
})
