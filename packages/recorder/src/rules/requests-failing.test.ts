import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { Tape } from './tape.ts'

const said = (tape: Tape) =>
  diagnose(tape.records).causes.map(({ rule, symptoms }) => [rule, ...symptoms.map(one => one.rule)])
const failing = { 'http.failed': 40 }

test('requests that fail while nothing else is wrong', () => {
  const tape = new Tape().seconds(60)
  tape.happens('error', { code: 'overloaded', message: 'Send it again later.' }, 'http').seconds(2, failing)
  tape.happens('error', { code: 'TypeError', message: 'Cannot read properties of undefined' }, 'http')
  tape.happens('error', { code: 'overloaded', message: 'Send it again later.' }, 'http').seconds(6, failing)
  assert.deepEqual(said(tape), [['requests-failing']])
  const { evidence } = diagnose(tape.records).causes[0]!
  assert.match(evidence[0]!.text, /13\.3 % of the requests fail \(5xx\), 320 of 2,400; before it was 0 %/)
  assert.match(evidence[1]!.text, /TypeError Cannot read/)
})

test('it is a symptom of whatever else was found at the time', () => {
  const slow = { 'store.primary.commit': 640, 'store.primary.waiting': 12, 'store.primary.held': 600 }
  assert.deepEqual(said(new Tape().seconds(60).seconds(8, { ...slow, ...failing })), [
    ['store-slow', 'requests-failing']
  ])
  // Something that came long after it is not why.
  const later = new Tape()
    .seconds(60)
    .seconds(60, failing)
    .seconds(8, { ...slow, ...failing })
  assert.deepEqual(said(later), [['store-slow'], ['requests-failing']])
})

test('refusals, one error, and two of a handful of requests are none', () => {
  assert.deepEqual(said(new Tape().seconds(60).seconds(8, { 'http.requests': 300, 'http.refused': 12 })), [])
  assert.deepEqual(said(new Tape().seconds(60).seconds(1, failing).seconds(8)), [])
  const quiet = { 'http.requests': 0, 'ingest.accepted': 0 }
  const handful = (second: number) => (second % 4 === 0 ? { ...quiet, 'http.requests': 1, 'http.failed': 1 } : quiet)
  assert.deepEqual(said(new Tape().seconds(60, quiet).seconds(40, handful)), [])
  assert.deepEqual(said(new Tape().seconds(60, quiet).seconds(100, handful)), [['requests-failing']])
})
