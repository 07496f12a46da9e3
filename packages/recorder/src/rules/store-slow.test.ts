import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { Tape } from './tape.ts'

test('commits that take many times as long', () => {
  const tape = new Tape().seconds(60)
  assert.deepEqual(diagnose(tape.records).causes, [])
  tape.seconds(8, { 'store.primary.commit': 640, 'store.primary.waiting': 12, 'store.primary.held': 600 })
  const [first] = diagnose(tape.records).causes
  assert.equal(first?.rule, 'store-slow')
  assert.equal(first.subject, 'primary')
  assert.match(first.evidence[0]!.text, /640 ms; before it was 7 ms/)
})

test('one that was slow a minute ago, too', () => {
  const slow = { 'store.primary.commit': 640, 'store.primary.waiting': 12, 'store.primary.held': 600 }
  const tape = new Tape().seconds(40).seconds(12, slow).seconds(20)
  assert.deepEqual(
    diagnose(tape.records).causes.filter(({ until }) => until === undefined),
    []
  )
  assert.equal(diagnose(tape.seconds(8, slow).records).causes[0]?.rule, 'store-slow')
})

test('more load explains slower commits, and not any commits', () => {
  const quiet = { 'ingest.accepted': 150, 'http.requests': 30 }
  const slower = (commit: number) => ({ 'store.primary.commit': commit, 'http.refused': 60 })
  const named = (commit: number) =>
    diagnose(new Tape().seconds(600, quiet).seconds(8, slower(commit)).records).causes[0]
  assert.equal(named(600)?.rule, 'overload')
  assert.deepEqual([named(1_200)?.rule, named(1_200)?.symptoms.map(({ rule }) => rule)], ['store-slow', ['overload']])
})
