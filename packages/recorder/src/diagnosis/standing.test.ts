import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Tape, type Values } from '../rules/tape.ts'
import { diagnose } from './diagnose.ts'
import type { Diagnosis } from './diagnosis.ts'
import { noteOf, standingAt, withPast } from './standing.ts'

const minute = 60_000

/** So many minutes of a fault, judged at the end of each as the watcher does it: it notes what goes on, and reads what it needs. */
function lasting(tape: Tape, minutes: number, fault: Values, watched: Values = {}, isNoting = true): Diagnosis[] {
  return Array.from({ length: minutes }, () => {
    tape.seconds(60, fault, watched)
    const { at, records } = tape
    const diagnosis = diagnose(readAt(tape), { at })
    for (const { rule, subject, since } of isNoting ? diagnosis.causes : []) {
      if (at - since < 4 * minute) continue
      const { name, detail } = noteOf({ rule, subject, since }, at)
      records.push({ kind: 'occurrence', at, source: 'watcher', name, subject, detail })
    }
    return diagnosis
  })
}

/** The last quarter of an hour, and what was before the trouble: no more is read of a day of records. */
function readAt({ records, at }: Tape) {
  const between = ({ from, to }: { from: number; to: number }) => records.filter(one => one.at >= from && one.at <= to)
  return withPast(between({ from: at - 15 * minute, to: at }), at, between)
}

const well = () => new Tape().seconds(15 * 60)
const faults: Record<string, { begin: () => Tape; fault: Values }> = {
  'bad-version': {
    begin: () => well().happens('start').happens('version', { from: '0.4.0', to: '0.5.0' }),
    fault: { 'http.failed': 60 }
  },
  'bad-configuration': {
    begin: () => well().happens('start').happens('configuration', { key: 'metadataUrl', from: 'a', to: 'b' }),
    fault: { 'dependency.metadata.failed': 60, 'dependency.metadata.breaker': 2 }
  },
  'cpu-starved': {
    begin: () => new Tape().seconds(15 * 60, { 'cpu.cores': 2 }),
    fault: { 'cpu.cores': 2, 'cpu.machine': 1, 'cpu.process': 0.3, 'cpu.waiting': 1.6 }
  },
  flood: {
    begin: () => well().happens('busiest-project', { share: 0.97 }, 'shop'),
    fault: { 'http.requests': 3_000, 'http.refused': 1_900, 'ingest.busiest': 0.97, 'ingest.accepted': 9_000 }
  },
  'slow-dependency': { begin: well, fault: { 'dependency.metadata.p50': 120, 'dependency.metadata.p99': 160 } },
  'store-slow': { begin: well, fault: { 'store.primary.commit': 180 } }
}

describe('a trouble that lasts for longer than is read of the records', () => {
  for (const [rule, { begin, fault }] of Object.entries(faults)) {
    it(`is ${rule} to its end, since it began, and over when it is`, () => {
      const tape = begin()
      const began = tape.at
      for (const [n, { causes }] of lasting(tape, 25, fault).entries()) {
        assert.equal(causes[0]?.rule, rule, `after ${n + 1} minutes`)
        assert.ok(Math.abs(causes[0].since - began) < 10_000, `since ${causes[0].since - began} after ${n + 1} minutes`)
        assert.equal(causes[0].until, undefined)
      }
      const after = lasting(tape, 2, {}).at(-1)!
      assert.deepEqual([after.state, after.causes], ['healthy', []])
    })
  }

  it('would become what is usual, were it not noted', () => {
    const all = lasting(well(), 14, { 'store.primary.commit': 180 }, {}, false)
    assert.equal(all[5]!.causes[0]?.rule, 'store-slow')
    assert.deepEqual(all.at(-1)!.causes, [])
  })

  it('is not told for longer because of a note', () => {
    const tape = well()
    tape.happens('goes-on', { rule: 'store-slow', age: 30 * minute }, 'primary', 'watcher')
    assert.deepEqual(diagnose(readAt(tape), { at: tape.at }).causes, [])
  })
})

describe('a note', () => {
  it('holds for a while, and says nothing when it is no note', () => {
    const tape = new Tape().happens('goes-on', { rule: 'flood', age: 300_000 }, 'shop', 'watcher')
    tape.happens('goes-on', { rule: 'flood', age: 'long' }, 'shop', 'watcher').happens('goes-on', {}, 'shop', 'watcher')
    const since = tape.at - 300_000
    assert.deepEqual(standingAt(tape.records, tape.at), [{ rule: 'flood', subject: 'shop', since }])
    assert.deepEqual(standingAt(tape.records, tape.at + 149_000), [{ rule: 'flood', subject: 'shop', since }])
    assert.deepEqual(standingAt(tape.records, tape.at + 150_000), [])
    assert.deepEqual(standingAt(tape.records, tape.at - 1), [])
  })
})
