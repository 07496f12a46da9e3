import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LogEntry } from '@plimsoll/eventlog'
import { distinct, histogram } from '@plimsoll/sketches'
import fc from 'fast-check'
import { activeSessions } from './active-sessions.ts'
import { factsOf } from './fact.ts'
import { featureStats } from './feature-stats.ts'
import { allRegions } from './measures.ts'
import { projects } from './projects.ts'
import { addRow, type Row } from './rows.ts'
import { sessionStats } from './session-stats.ts'
import { useStats } from './use-stats.ts'

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

const tables = { started: sessionStats, active: activeSessions, features: featureStats, uses: useStats, projects }
type Folded = Record<keyof typeof tables, (Record<string, number> & { key: string } & Pick<Row, 'latency' | 'users'>)[]>

/** What these entries add to each view, its rows with their columns by name. */
function foldEntries(entries: readonly LogEntry[], featureName: (project: string, name: string) => string): Folded {
  const facts = factsOf(entries, featureName)
  const folded = Object.entries(tables).map(([name, view]) => [
    name,
    view
      .foldAll(facts)
      .all()
      .map(row => ({
        ...Object.fromEntries(view.key.map((column, i) => [column, row.key[i]])),
        ...Object.fromEntries(view.numbers.map((column, i) => [column, row.numbers[i]])),
        key: row.key.join('/'),
        latency: row.latency,
        users: row.users
      }))
  ])
  return Object.fromEntries(folded)
}

/** The sums of some batches, row by row, with the sketches as the bytes that would be stored. */
function sums(batches: readonly (readonly LogEntry[])[]): Record<string, unknown> {
  const summed: Record<string, Map<string, Row>> = {}
  for (const batch of batches) {
    const facts = factsOf(batch, asNamed)
    for (const [name, view] of Object.entries(tables)) {
      summed[name] ??= new Map()
      for (const row of view.foldAll(facts).all()) {
        const into = summed[name].get(row.key.join('/'))
        if (!into) summed[name].set(row.key.join('/'), row)
        else if (view === projects) {
          const [a, b] = [into.numbers, row.numbers]
          into.numbers.splice(0, 4, a[0]! + b[0]!, a[1]! + b[1]!, Math.min(a[2]!, b[2]!), Math.max(a[3]!, b[3]!))
        } else addRow(into, row)
      }
    }
  }
  return Object.fromEntries(
    Object.entries(summed).map(([name, rows]) => [
      name,
      Object.fromEntries(
        [...rows].map(([key, row]) => [
          key,
          [row.numbers, Buffer.from(histogram.encode(row.latency)), Buffer.from(distinct.encode(row.users))]
        ])
      )
    ])
  )
}
const picked = <R extends object>(rows: readonly R[], ...columns: string[]) =>
  rows.map(row => columns.map(column => (row as Record<string, unknown>)[column]))

describe('a session', () => {
  it('is counted in the hour and the day in which it started, by tier and region', () => {
    const { started } = foldEntries([entry()], asNamed)
    assert.deepEqual(picked(started, 'project', 'width', 'bucket', 'tier', 'region', 'sessions'), [
      ['shop', 'h', at - 20 * 60_000, 'pro', 'eu', 1],
      ['shop', 'd', at - (at % day), 'pro', 'eu', 1]
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
      active.map(r => [r.width, r.bucket, r.sessions, r.open]),
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
    const sessions = (entries: LogEntry[]) => {
      const { started, projects: totals } = foldEntries(entries, asNamed)
      const days = started.filter(r => String(r.width) === 'd')
      return [totals[0]!.sessions, days.reduce((sum, r) => sum + r.sessions!, 0)]
    }
    assert.deepEqual(sessions([entry(), apart]), [2, 2])
    assert.deepEqual(sessions([entry(), apart, joined]), [1, 1])
  })

  it('is restated from unknown to known: taken away there and added here', () => {
    const unknown = summary({ tier: 'unknown', region: 'unknown' })
    const { started, projects: totals } = foldEntries(
      [
        entry({ change: [null, unknown] }),
        entry({ type: 'session.enriched', time: at + day, change: [unknown, summary()] })
      ],
      asNamed
    )
    assert.deepEqual(
      started.filter(r => String(r.width) === 'd').map(r => [r.tier, r.sessions]),
      [
        ['unknown', 0],
        ['pro', 1]
      ]
    )
    assert.deepEqual(picked(totals, 'counted', 'sessions', 'first_event', 'last_event'), [[1, 1, at, at]])
  })

  it('that is deleted is in no count, and its deletion was received', () => {
    const { started, projects: totals } = foldEntries(
      [entry(), entry({ type: 'session.delete', change: [summary(), null] })],
      asNamed
    )
    assert.ok(started.every(r => r.sessions === 0))
    assert.deepEqual(picked(totals, 'counted', 'sessions'), [[2, 0]])
  })
})

describe('what the system writes by itself', () => {
  it('is not counted as received, is no use, and moves no end of the data', () => {
    const { projects: totals, uses } = foldEntries(
      [entry({ type: 'session.enriched', time: at + day, change: [summary({ tier: 'unknown' }), summary()] })],
      asNamed
    )
    assert.deepEqual(picked(totals, 'counted', 'sessions', 'first_event', 'last_event'), [[0, 0, Infinity, -Infinity]])
    assert.equal(uses.length, 0)
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
        features.find(r => String(r.width) === 'h' && String(r.region) === region && String(r.feature) === name)
      )
      assert.deepEqual([search!.uses, search!.client_errors, search!.server_errors], [2, 1, 0])
      assert.deepEqual([pay!.uses, pay!.client_errors, pay!.server_errors], [1, 0, 1])
      assert.equal(distinct.estimate(search!.users).count, 2)
      assert.equal(histogram.count(search!.latency), 1)
      const all = uses.find(r => String(r.width) === 'd' && String(r.region) === region)!
      assert.deepEqual([all.uses, all.client_errors, all.server_errors], [3, 1, 1])
      assert.deepEqual(picked([all], 'status_1xx', 'status_2xx', 'status_3xx', 'status_4xx', 'status_5xx'), [
        [0, 1, 0, 1, 1]
      ])
      assert.equal(histogram.count(all.latency), 2)
    }
    assert.equal(features.length, 8)
  })

  it('goes under the name it is given, whoever asked for another', () => {
    const { features } = foldEntries([use({ feature: 'a' }), use({ feature: 'b' })], () => '(other)')
    assert.deepEqual([...new Set(features.map(r => String(r.feature)))], ['(other)'])
    assert.ok(features.every(r => r.uses === 2))
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
    assert.ok(features.every(r => r.uses === 2 && histogram.count(r.latency) === 0))
    assert.ok(uses.every(r => [1, 2, 3, 4, 5].every(n => r[`status_${n}xx`] === 0)))
  })

  it('of a session that is deleted has a user and an unknown region', () => {
    const { uses } = foldEntries([use({ feature: 'a' }, { change: null })], asNamed)
    assert.deepEqual([...new Set(uses.map(r => String(r.region)))], ['unknown', allRegions])
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
        assert.deepEqual(sums(batches), sums([all]))
      }),
      { numRuns: 300 }
    )
  })
})
