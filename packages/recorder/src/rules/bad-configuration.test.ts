import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { Tape } from './tape.ts'

test('a dependency that fails since a setting that names it was changed', () => {
  const tape = new Tape().seconds(60)
  assert.deepEqual(diagnose(tape.records).causes, [])
  tape.happens('exit', { code: 0, signal: null }, undefined, 'watcher')
  tape.happens('start').happens('configuration', { key: 'metadataUrl', from: 'http://a', to: 'http://b' })
  tape.seconds(6, {
    'dependency.metadata.calls': 20,
    'dependency.metadata.failed': 20,
    'dependency.metadata.breaker': 2
  })
  const [first] = diagnose(tape.records).causes
  assert.equal(first?.rule, 'bad-configuration')
  assert.equal(first.subject, 'metadataUrl')
  assert.deepEqual(
    first.symptoms.map(({ rule }) => rule),
    ['dead-dependency']
  )
})
