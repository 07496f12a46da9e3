import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { Tape } from './tape.ts'

test('calls that time out, and a patient question that is answered: the dependency is slow', () => {
  const tape = new Tape().seconds(60)
  assert.deepEqual(diagnose(tape.records).causes, [])
  tape.seconds(8, {
    'dependency.metadata.p99': 200,
    'dependency.metadata.timed-out': 50,
    'dependency.metadata.failed': 50,
    'dependency.metadata.calls': 50,
    'dependency.metadata.probe': 812,
    'dependency.metadata.breaker': 2,
    'dependency.metadata.refused': 20
  })
  const [first] = diagnose(tape.records).causes
  assert.equal(first?.rule, 'slow-dependency')
  assert.equal(first.subject, 'metadata')
  assert.match(first.evidence[0]!.text, /812 ms; before it was 8 ms/)
  assert.ok(first.evidence.some(({ before, now }) => before === 8 && now === 812))
})

test('one that answers as usual again is not slow any more', () => {
  const tape = new Tape().seconds(60)
  tape.seconds(6, { 'dependency.metadata.p99': 812 })
  assert.equal(diagnose(tape.records).causes[0]?.rule, 'slow-dependency')
  assert.deepEqual(diagnose(tape.seconds(20).records).causes, [])
})

test('one that answers in time is not slow because its breaker is still open', () => {
  const tape = new Tape().seconds(60, { 'dependency.metadata.p99': 22.3 })
  // A burst kept our own loop busy, and calls ended late.
  tape.seconds(2, {
    'dependency.metadata.p99': 240,
    'dependency.metadata.timed-out': 6,
    'dependency.metadata.failed': 6
  })
  const trial = { 'dependency.metadata.breaker': 1, 'dependency.metadata.refused': 4, 'dependency.metadata.calls': 3 }
  tape.seconds(14, { ...trial, 'dependency.metadata.p99': 7.1 })
  assert.deepEqual(diagnose(tape.records).causes, [])
  // Asked with patience it answers late: then it is.
  tape.seconds(8, { ...trial, 'dependency.metadata.p99': 7.1, 'dependency.metadata.probe': 812 })
  assert.equal(diagnose(tape.records).causes[0]?.rule, 'slow-dependency')
})

test('one late call of twenty, in a quiet hour, makes no slow dependency of one that answers', () => {
  const tape = new Tape().seconds(60, { 'dependency.metadata.p99': 20.8 })
  tape.seconds(1, {
    'dependency.metadata.p99': 200,
    'dependency.metadata.calls': 19,
    'dependency.metadata.timed-out': 1,
    'dependency.metadata.failed': 1,
    'dependency.metadata.breaker': 2
  })
  const rest = { 'dependency.metadata.calls': 0, 'dependency.metadata.breaker': 2, 'dependency.metadata.refused': 1 }
  tape.seconds(5, { ...rest, 'dependency.metadata.probe': 33.6 })
  assert.deepEqual(diagnose(tape.records).causes, [])
  tape.seconds(20, { ...rest, 'dependency.metadata.probe': 8 })
  assert.deepEqual(diagnose(tape.records).causes, [])
  // The same, and asked with patience it answers late.
  tape.seconds(5, { ...rest, 'dependency.metadata.probe': 812 })
  assert.equal(diagnose(tape.records).causes[0]?.rule, 'slow-dependency')
})

test('most calls are slow though none is late, and who asked with patience was lucky: it is slow', () => {
  const tape = new Tape().seconds(60, { 'dependency.metadata.p99': 20.8 })
  const slow = { 'dependency.metadata.p50': 150, 'dependency.metadata.p99': 190, 'dependency.metadata.probe': 8 }
  tape.seconds(10, slow)
  assert.equal(diagnose(tape.records).causes[0]?.rule, 'slow-dependency')
  const late = { 'dependency.metadata.timed-out': 1, 'dependency.metadata.failed': 1 }
  tape.seconds(1, { ...slow, ...late }).seconds(4, slow)
  assert.equal(diagnose(tape.records).causes[0]?.rule, 'slow-dependency')
})

test('one that has been slow for longer than it was seen to be well is slow still, and one that always was is not', () => {
  const slow = { 'dependency.metadata.p50': 142, 'dependency.metadata.p99': 150, 'dependency.metadata.calls': 1 }
  const tape = new Tape().seconds(120)
  for (let minute = 1; minute <= 8; minute++)
    assert.equal(diagnose(tape.seconds(60, slow).records).causes[0]?.rule, 'slow-dependency', `${minute} minutes`)
  assert.deepEqual(diagnose(new Tape().seconds(300, slow).records).causes, [])
})
