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

const changed = (tape: Tape, ...keys: string[]) => {
  tape.happens('exit', { code: 0, signal: null }, undefined, 'watcher').happens('start')
  for (const key of keys) tape.happens('configuration', { key, changed: true }, key)
  return tape
}
const dead = { 'dependency.metadata.calls': 20, 'dependency.metadata.failed': 20, 'dependency.metadata.breaker': 2 }
const said = (tape: Tape) => diagnose(tape.records).causes.map(({ rule, subject }) => [rule, subject])

test('a setting is not blamed for what it is not about', () => {
  const metadata = changed(new Tape().seconds(60), 'databaseUrl', 'readDatabaseUrl').seconds(6, dead)
  assert.deepEqual(said(metadata), [['dead-dependency', 'metadata']])
  const primary = changed(new Tape().seconds(60), 'readDatabaseUrl').seconds(6, { 'store.primary.up': 0 })
  assert.deepEqual(said(primary), [['store-gone', 'primary']])
})

test('of several settings the one is blamed that is about what fails, with no symptom of others under it', () => {
  const away = { 'store.primary.up': 0, 'store.read.up': 0 }
  const tape = changed(new Tape().seconds(60), 'databaseUrl', 'metadataPort', 'logLevel').seconds(6, away)
  assert.deepEqual(said(tape), [['bad-configuration', 'databaseUrl']])
  assert.deepEqual(
    diagnose(tape.records).causes[0]!.symptoms.map(({ rule }) => rule),
    ['store-gone']
  )
  const both = changed(new Tape().seconds(60), 'databaseUrl', 'logLevel').seconds(6, { ...away, ...dead })
  assert.deepEqual(said(both), [
    ['bad-configuration', 'databaseUrl'],
    ['dead-dependency', 'metadata']
  ])
})

test('a broker that does not answer since its address was changed', () => {
  const tape = changed(new Tape().seconds(60), 'brokerUrl').seconds(6, { 'broker.redis.up': 0 })
  assert.deepEqual(said(tape), [['bad-configuration', 'brokerUrl']])
  const before = new Tape().seconds(60, { 'broker.redis.up': 0 })
  assert.deepEqual(said(changed(before, 'brokerUrl').seconds(6, { 'broker.redis.up': 0 })), [['broker-gone', 'redis']])
})

test('all that was changed is named where the platform does not start', () => {
  const tape = changed(new Tape().seconds(60), 'logLevel', 'port')
  tape.happens('refused-to-start', { why: 'EADDRINUSE' }).silence(3, { 'platform.phase': 4 })
  const [first] = diagnose(tape.records).causes
  assert.deepEqual([first?.rule, first?.subject, first?.also], ['bad-configuration', 'logLevel', ['port']])
  assert.match(first!.title, /^The settings logLevel, port were changed/)
  assert.equal(first!.until, undefined)
  tape.happens('start').seconds(2).happens('ready')
  const ready = tape.at
  assert.deepEqual(
    diagnose(tape.seconds(20).records).causes.map(({ until }) => until),
    [ready]
  )
  assert.deepEqual(diagnose(tape.seconds(60).records).causes, [])
})

test('it is over when what failed is well, and not told for long after that', () => {
  const tape = changed(new Tape().seconds(60), 'metadataUrl').seconds(20, {
    ...dead,
    'dependency.metadata.calls': 60,
    'dependency.metadata.failed': 60
  })
  const last = tape.at
  const after = diagnose(tape.seconds(20).records).causes
  assert.deepEqual(
    after.map(({ rule, until }) => [rule, until]),
    [['bad-configuration', last]]
  )
  assert.deepEqual(diagnose(tape.seconds(60).records).causes, [])
})
