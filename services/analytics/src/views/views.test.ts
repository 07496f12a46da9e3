import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LogEntry } from '@plimsoll/eventlog'
import { distinct, histogram } from '@plimsoll/sketches'
import fc from 'fast-check'
import type { Deltas } from './deltas.ts'
import { foldEntries } from './fold.ts'
import { allRegions } from './roll-up.ts'

const hour = 3_600_000
const day = 24 * hour
const at = Date.UTC(2026, 4, 17, 10, 20)
const asNamed = (_project: string, name: string) => name

const summary = (over: { last?: number; open?: 0 | 1; tier?: string; region?: string; start?: number } = {}) => {
  const { start = at, last = start, open = 1, tier = 'pro', region = 'eu' } = over
  return [start, last, open, tier, region, tier === 'unknown' ? 'unknown' : 'known', 'ann']
}
let position = 0
const entry = (over: Partial<LogEntry> = {}): LogEntry => ({
  position: ++position,
  xid: '1',
  tenant: 'shop',
  id: String(position),
  type: 'session.start',
  time: at,
  recordedAt: at,
  stream: 's1',
  subject: 'ann',
  data: null,
  change: [null, summary()],
  ...over
})
const use = (data: unknown, over: Partial<LogEntry> = {}) => entry({ type: 'feature.used', data, ...over })

/** The sums of some batches, row by row, with the sketches as the bytes that would be stored. */
function sums(batches: readonly Deltas[]): Record<string, Record<string, unknown>> {
  const tables: Record<string, Record<string, unknown>> = {
    started: {},
    active: {},
    features: {},
    uses: {},
    projects: {}
  }
  const add = <Row extends object>(table: string, key: string, row: Row, join: (into: Row, from: Row) => void) => {
    const into = tables[table]![key] as Row | undefined
    if (into) join(into, row)
    else tables[table]![key] = row
  }
  const addNumbers = (into: object, from: object) => {
    for (const [name, n] of Object.entries(from)) {
      const [a, b] = [into as Record<string, unknown>, n]
      if (name === 'bucket') continue
      if (typeof b === 'number') a[name] = (a[name] as number) + b
      else if (Array.isArray(b)) a[name] = b.map((x, i) => (a[name] as number[])[i]! + x)
    }
  }
  for (const deltas of batches) {
    for (const [key, row] of deltas.started) add('started', key, row, addNumbers)
    for (const [key, row] of deltas.active) add('active', key, row, addNumbers)
    for (const table of ['features', 'uses'] as const) {
      for (const [key, row] of deltas[table]) {
        add(table, key, row, (into, from) => {
          addNumbers(into, from)
          histogram.merge(into.latency, from.latency)
          distinct.merge(into.users, from.users)
        })
      }
    }
    for (const [key, row] of deltas.projects) {
      add('projects', key, row, (into, from) => {
        into.counted += from.counted
        into.sessions += from.sessions
        into.first = Math.min(into.first, from.first)
        into.last = Math.max(into.last, from.last)
      })
    }
  }
  for (const table of ['features', 'uses']) {
    for (const row of Object.values(tables[table]!) as { latency: unknown; users: unknown }[]) {
      row.latency = Buffer.from(histogram.encode(row.latency as never)).toString('hex')
      row.users = Buffer.from(distinct.encode(row.users as never)).toString('hex')
    }
  }
  return tables
}
const rowsOf = <Row>(map: ReadonlyMap<string, Row>) => [...map.values()]

describe('a session', () => {
  it('is counted in the hour and the day in which it started, by tier and region', () => {
    const { started } = foldEntries([entry()], asNamed)
    assert.deepEqual(rowsOf(started), [
      { project: 'shop', width: 'h', bucket: at - 20 * 60_000, tier: 'pro', region: 'eu', sessions: 1, open: 0 },
      { project: 'shop', width: 'd', bucket: at - (at % day), tier: 'pro', region: 'eu', sessions: 1, open: 0 }
    ])
  })

  it('moves from the minute and hour of its activity to the next, and is open there until it ends', () => {
    const later = at + 2 * hour
    const { active } = foldEntries(
      [
        entry(),
        entry({ change: [summary(), summary({ last: later })] }),
        entry({ change: [summary({ last: later }), summary({ last: later, open: 0 })] })
      ],
      asNamed
    )
    assert.deepEqual(
      rowsOf(active).map(r => [r.width, r.bucket, r.sessions, r.open]),
      [
        ['m', at, 0, 0],
        ['m', later, 1, 0],
        ['h', at - (at % hour), 0, 0],
        ['h', later - (later % hour), 1, 0]
      ]
    )
  })

  it('counts as many times as it has visits, and once when a late event joins them', () => {
    const [early, late] = [summary({ open: 0 }), summary({ start: at + hour })]
    const apart = entry({ change: [summary(), [early, late]] })
    const joined = entry({ change: [[early, late], summary({ last: at + hour })] })
    const totals = (entries: LogEntry[]) => {
      const { started, projects } = foldEntries(entries, asNamed)
      const days = rowsOf(started).filter(r => r.width === 'd')
      return [rowsOf(projects)[0]!.sessions, days.reduce((sum, r) => sum + r.sessions, 0)]
    }
    assert.deepEqual(totals([entry(), apart]), [2, 2])
    assert.deepEqual(totals([entry(), apart, joined]), [1, 1])
  })

  it('is restated from unknown to known: taken away there and added here', () => {
    const unknown = summary({ tier: 'unknown', region: 'unknown' })
    const { started, projects } = foldEntries(
      [
        entry({ change: [null, unknown] }),
        entry({ type: 'session.enriched', time: at + day, change: [unknown, summary()] })
      ],
      asNamed
    )
    assert.deepEqual(
      rowsOf(started)
        .filter(r => r.width === 'd')
        .map(r => [r.tier, r.sessions]),
      [
        ['unknown', 0],
        ['pro', 1]
      ]
    )
    assert.deepEqual(rowsOf(projects), [{ project: 'shop', counted: 1, sessions: 1, first: at, last: at }])
  })

  it('that is deleted is in no count, and its deletion was received', () => {
    const { started, projects } = foldEntries(
      [entry(), entry({ type: 'session.delete', change: [summary(), null] })],
      asNamed
    )
    assert.ok(rowsOf(started).every(r => r.sessions === 0))
    assert.deepEqual(
      rowsOf(projects).map(p => [p.counted, p.sessions]),
      [[2, 0]]
    )
  })
})

describe('what the system writes by itself', () => {
  it('is not counted as received, is no use, and moves no end of the data', () => {
    const { projects, uses } = foldEntries(
      [entry({ type: 'session.enriched', time: at + day, change: [summary({ tier: 'unknown' }), summary()] })],
      asNamed
    )
    assert.deepEqual(rowsOf(projects), [{ project: 'shop', counted: 0, sessions: 0, first: Infinity, last: -Infinity }])
    assert.equal(uses.size, 0)
  })
})

describe('a use of a feature', () => {
  it('is counted for its region and for all of them, with its outcome, status and latency', () => {
    const { features, uses } = foldEntries(
      [
        use({ feature: 'search', outcome: 'ok', status: 200, durationMs: 10 }),
        use({ feature: 'search', outcome: 'client_error', status: 404 }, { subject: 'bob' }),
        use({ feature: 'pay', outcome: 'server_error', status: 503, durationMs: 0 })
      ],
      asNamed
    )
    for (const region of ['eu', allRegions]) {
      const [search, pay] = ['search', 'pay'].map(name =>
        rowsOf(features).find(r => r.width === 'h' && r.region === region && r.feature === name)
      )
      assert.deepEqual([search!.uses, search!.client_errors, search!.server_errors], [2, 1, 0])
      assert.deepEqual([pay!.uses, pay!.client_errors, pay!.server_errors], [1, 0, 1])
      assert.equal(distinct.estimate(search!.users).count, 2)
      assert.equal(histogram.count(search!.latency), 1)
      const all = rowsOf(uses).find(r => r.width === 'd' && r.region === region)!
      assert.deepEqual([all.uses, all.client_errors, all.server_errors, all.statuses], [3, 1, 1, [0, 1, 0, 1, 1]])
      assert.equal(histogram.count(all.latency), 2)
    }
    assert.equal(features.size, 8)
  })

  it('goes under the name it is given, whoever asked for another', () => {
    const { features } = foldEntries([use({ feature: 'a' }), use({ feature: 'b' })], () => '(other)')
    assert.deepEqual([...new Set(rowsOf(features).map(r => r.feature))], ['(other)'])
    assert.ok(rowsOf(features).every(r => r.uses === 2))
  })

  it('counts without what the write side should not have let through', () => {
    const { features, uses } = foldEntries(
      [
        use({ feature: 'a', durationMs: -1, status: 99, outcome: 7 }),
        use({ feature: 'a', durationMs: Number.NaN, status: 600 }),
        use({ feature: 7 }),
        use(null)
      ],
      asNamed
    )
    assert.ok(rowsOf(features).every(r => r.uses === 2 && histogram.count(r.latency) === 0))
    assert.ok(rowsOf(uses).every(r => r.statuses.every(n => n === 0)))
  })

  it('of a session that is deleted has a user and an unknown region', () => {
    const { uses } = foldEntries([use({ feature: 'a' }, { change: null })], asNamed)
    assert.deepEqual([...new Set(rowsOf(uses).map(r => r.region))], ['unknown', allRegions])
  })
})

describe('any entries', () => {
  const time = fc.integer({ min: 0, max: 50 }).map(n => at + n * 40 * 60_000)
  const anySummary = fc
    .record({
      start: time,
      last: time,
      open: fc.constantFrom<0 | 1>(0, 1),
      tier: fc.constantFrom('pro', 'free', 'unknown'),
      region: fc.constantFrom('eu', 'us')
    })
    .map(summary)
  const anyEntry = fc
    .record({
      tenant: fc.constantFrom('shop', 'blog'),
      type: fc.constantFrom('session.start', 'feature.used', 'session.delete', 'session.enriched'),
      time,
      subject: fc.constantFrom('ann', 'bob', 'cat', null),
      change: fc.option(fc.tuple(fc.option(anySummary), fc.option(anySummary))),
      data: fc.record({
        feature: fc.constantFrom('a', 'b'),
        outcome: fc.constantFrom('ok', 'client_error', 'server_error'),
        durationMs: fc.double({ min: 0, max: 1e6, noNaN: true }),
        status: fc.integer({ min: 100, max: 599 })
      })
    })
    .map(entry)
  const cutAndShuffled = fc
    .array(anyEntry, { minLength: 1, maxLength: 20 })
    .chain(all =>
      fc.tuple(
        fc.constant(all),
        fc.shuffledSubarray(all, { minLength: all.length }),
        fc.array(fc.nat(all.length), { maxLength: 4 })
      )
    )

  it('come to the same rows and the same bytes in any order and however they are cut into batches', () => {
    fc.assert(
      fc.property(cutAndShuffled, ([all, shuffled, cuts]) => {
        const edges = [0, ...cuts.sort((a, b) => a - b), all.length]
        const batches = edges.slice(1).map((end, i) => shuffled.slice(edges[i], end))
        assert.deepEqual(sums(batches.map(batch => foldEntries(batch, asNamed))), sums([foldEntries(all, asNamed)]))
      }),
      { numRuns: 300 }
    )
  })
})
