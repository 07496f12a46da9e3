import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { rules } from './index.ts'
import { Tape } from './tape.ts'

const slow = {
  'dependency.metadata.p99': 200,
  'dependency.metadata.timed-out': 50,
  'dependency.metadata.failed': 50,
  'dependency.metadata.probe': 812
}

test('a full pool behind a slow dependency is the dependency', () => {
  const tape = new Tape().seconds(60).seconds(8, second => ({
    ...slow,
    'store.primary.in-use': 10,
    'store.primary.held': 800 * (second + 1),
    'store.primary.waiting': 200,
    'http.refused': 100
  }))
  const { causes } = diagnose(tape.records)
  assert.deepEqual(
    causes.map(({ rule, symptoms }) => [rule, symptoms.map(one => one.rule)]),
    [['slow-dependency', ['pool-exhausted']]]
  )
})

test('two faults that have nothing to do with each other are two causes', () => {
  const tape = new Tape().seconds(60).happens('store', { state: 'away' }, 'primary')
  tape.seconds(8, { ...slow, 'store.primary.up': 0 })
  const { causes } = diagnose(tape.records)
  assert.deepEqual(
    causes.map(({ rule }) => rule),
    ['store-gone', 'slow-dependency']
  )
})

test('what a rule says that it explains is in the table', () => {
  const names = rules.map(({ name }) => name)
  for (const { name, explains, explainsOfSubject = [] } of rules)
    for (const other of [...explains, ...explainsOfSubject]) assert.ok(names.includes(other), `${name}: ${other}`)
  assert.equal(new Set(names).size, names.length)
})
