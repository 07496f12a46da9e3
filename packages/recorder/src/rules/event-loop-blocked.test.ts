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

const long = { 'loop.delay.max': 1_100, 'cpu.process': 0.9 }
const causesOf = (tape: Tape) => diagnose(tape.records).causes.map(({ rule }) => rule)

test('one turn of a second in which the process works', () => {
  const tape = new Tape().seconds(60).seconds(1, long).seconds(1)
  assert.deepEqual(causesOf(tape), ['event-loop-blocked'])
})

test('a long turn of a process that stood still, collected garbage or was starting is no work', () => {
  const paused = new Tape()
    .seconds(60)
    .seconds(1, { ...long, 'cpu.process': 0.3 })
    .seconds(1)
  assert.deepEqual(causesOf(paused), [])
  const collecting = new Tape().seconds(60).seconds(1, long)
  assert.deepEqual(causesOf(collecting), [], 'it is not known yet what it was')
  assert.deepEqual(causesOf(collecting.seconds(1, { 'gc.time': 900 })), [])
  const starting = new Tape().seconds(60).happens('start').seconds(3, long)
  starting.happens('ready', { after: 3_000 }).seconds(1, long).seconds(1)
  assert.deepEqual(causesOf(starting), [])
  assert.deepEqual(causesOf(starting.seconds(5).seconds(1, long).seconds(1)), ['event-loop-blocked'])
})

test('one that blocks again and again began with the first, and not with the last', () => {
  const tape = new Tape().seconds(60)
  const began = tape.at
  for (let round = 0; round < 10; round++) tape.seconds(1, long).seconds(11)
  tape.seconds(1, long).seconds(1)
  assert.ok(Math.abs(diagnose(tape.records).causes[0]!.since - began) < 2_000)
})

test('a service that was slow for minutes is not slow because of it', () => {
  const slow = {
    'dependency.metadata.p99': 200,
    'dependency.metadata.timed-out': 50,
    'dependency.metadata.failed': 50,
    'dependency.metadata.probe': 812
  }
  const tape = new Tape().seconds(60).seconds(300, slow)
  tape.seconds(1, { ...slow, ...long }).seconds(4, slow)
  assert.deepEqual(causesOf(tape), ['slow-dependency', 'event-loop-blocked'])
})
