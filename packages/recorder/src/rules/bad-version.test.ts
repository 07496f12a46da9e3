import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { Tape } from './tape.ts'

test('requests that fail since another version was started', () => {
  const tape = new Tape().seconds(60)
  assert.deepEqual(diagnose(tape.records).causes, [])
  tape.happens('start').happens('version', { from: '0.4.0', to: '0.5.0' })
  tape.seconds(6, { 'http.failed': 60 })
  const [first] = diagnose(tape.records).causes
  assert.equal(first?.rule, 'bad-version')
  assert.equal(first.subject, '0.5.0')
})

test('a setting that was changed at the start before has no part in it', () => {
  const tape = new Tape().seconds(60)
  tape.happens('start').happens('configuration', { key: 'metadataUrl', from: 'a', to: 'b' })
  tape.seconds(10)
  tape.happens('start').happens('version', { from: '0.4.0', to: '0.5.0' })
  tape.seconds(6, { 'http.failed': 60 })
  assert.deepEqual(
    diagnose(tape.records).causes.map(({ rule }) => rule),
    ['bad-version']
  )
})
