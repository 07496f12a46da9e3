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

const flooded = {
  'http.requests': 3_000,
  'http.refused': 1_900,
  'ingest.busiest': 0.97,
  'ingest.accepted': 9_000
}
const overloaded = { 'http.requests': 900, 'http.refused': 300, 'ingest.accepted': 3_000 }
const late = {
  'dependency.metadata.timed-out': 10,
  'dependency.metadata.failed': 10,
  'dependency.metadata.probe': 147
}
const chains = (tape: Tape) =>
  diagnose(tape.records).causes.map(function names({ rule, symptoms }): string[] {
    return [rule, ...symptoms.flatMap(names)]
  })

test('a service whose answers a flooded, starved or overloaded process reads late is no second cause', () => {
  const flood = new Tape().seconds(60).happens('busiest-project', { share: 0.97 }, 'shop')
  assert.deepEqual(chains(flood.seconds(6, { ...flooded, ...late })), [['flood', 'slow-dependency', 'overload']])
  const starved = { 'cpu.machine': 1, 'cpu.process': 0.4, 'loop.delay.p99': 120, 'loop.delay.max': 300 }
  const machine = new Tape().seconds(60).seconds(8, { ...starved, ...late })
  assert.deepEqual(chains(machine), [['cpu-starved', 'slow-dependency']])
  const load = new Tape()
    .seconds(60)
    .seconds(3, overloaded)
    .seconds(6, { ...overloaded, ...late })
  assert.deepEqual(chains(load), [['overload', 'slow-dependency']])
  const again = { 'http.requests': 2_400, 'http.running': 300, 'ingest.accepted': 900, 'ingest.duplicate': 1_800 }
  const storm = new Tape()
    .seconds(60)
    .seconds(3, again)
    .seconds(6, { ...again, ...late })
  assert.deepEqual(chains(storm), [['retry-storm', 'slow-dependency']])
})

test('a service that was slow before is the cause of the load, or one of its own', () => {
  const load = new Tape().seconds(60).seconds(8, { ...overloaded, ...late })
  assert.deepEqual(chains(load), [['slow-dependency', 'overload']])
  const flood = new Tape().seconds(60).happens('busiest-project', { share: 0.97 }, 'shop').seconds(10, slow)
  assert.deepEqual(chains(flood.seconds(6, { ...flooded, ...slow })), [['flood'], ['slow-dependency', 'overload']])
})

test('what a rule says that it explains is in the table', () => {
  const names = rules.map(({ name }) => name)
  for (const { name, explains, explainsOfSubject = [], explainsLater = [], explainsEarlier = [] } of rules) {
    for (const other of [...explains, ...explainsOfSubject, ...explainsLater])
      assert.ok(names.includes(other), `${name}: ${other}`)
    for (const other of explainsEarlier) assert.ok([...explains, ...explainsOfSubject].includes(other), name)
  }
  assert.equal(new Set(names).size, names.length)
})
