import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { Tape } from './tape.ts'

test('a server that gives no connection is named before the store that cannot be reached', () => {
  const tape = new Tape().seconds(60)
  assert.deepEqual(diagnose(tape.records).causes, [])
  tape.happens('error', { code: '53300', message: 'sorry, too many clients already', where: 'primary', count: 12 })
  tape.seconds(6, { 'store.primary.up': 0 })
  const [first] = diagnose(tape.records).causes
  assert.equal(first?.rule, 'store-out-of-connections')
  assert.equal(first.subject, 'primary')
  assert.deepEqual(
    first.symptoms.map(({ rule }) => rule),
    ['store-gone']
  )
})
