import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Dashboard } from '@plimsoll/service-analytics/contract'
import { KnownDashboards } from './known-dashboards.ts'

const project = (name: string, lastEvent: string | null = '2026-11-28T12:00:00.000Z') => ({
  project: name,
  sessions: 1,
  events: 1,
  lastEvent
})
const answer = (name: string, over: { stale?: boolean; total?: number; many?: number } = {}): Dashboard => {
  const { stale = false, total = 7, many = 1 } = over
  const each = <T>(one: (n: number) => T) => Array.from({ length: many }, (_, n) => one(n))
  return {
    project: name,
    range: { from: '2026-11-21T00:00:00.000Z', to: '2026-11-28T00:00:00.000Z', step: 'day' },
    regions: [],
    availableRegions: [],
    freshness: { asOf: '2026-11-28T12:00:00.000Z', lagMs: 0, complete: true, unknownShare: 0, stale },
    active: { now: 2, last24h: 5, byTier: {}, trend7d: [] },
    sessions: {
      total,
      users: 3,
      usersError: 0,
      byTier: Object.fromEntries(each(n => [`${'t'.repeat(200)}${n}`, n])),
      byDay: each(n => ({ day: `day ${n}`, sessions: n })),
      trend: []
    },
    features: each(n => ({
      feature: `${n}${'f'.repeat(500)}`,
      uses: 1,
      users: 1,
      usersError: 0,
      clientErrors: 0,
      serverErrors: 0,
      errorRate: 0,
      p50: null,
      p95: null,
      p99: null
    })),
    outcomes: { ok: 0, client_error: 0, server_error: 0 },
    statusClasses: { '1xx': 0, '2xx': 0, '3xx': 0, '4xx': 0, '5xx': 0 },
    latency: { count: 0, p50: null, p95: null, p99: null },
    quality: []
  }
}

test('keeps the last good answer of the projects with the latest events, and asks no more often than each ten seconds', async () => {
  let now = 0
  const asked: string[] = []
  const known = new KnownDashboards(
    async name => {
      asked.push(name)
      return answer(name)
    },
    () => now
  )
  const projects = [project('a', null), project('b'), project('c'), project('d', '2026-11-28T13:00:00.000Z')]
  assert.deepEqual(known.of(projects), [])
  await known.settled()
  assert.deepEqual(asked, ['d', 'b', 'c'])
  assert.deepEqual(
    known.of(projects).map(one => [one.project, one.sessions, one.active.now]),
    [
      ['d', 7, 2],
      ['b', 7, 2],
      ['c', 7, 2]
    ]
  )
  now = 9_999
  known.of(projects)
  await known.settled()
  assert.equal(asked.length, 3)
  now = 10_000
  known.of(projects)
  await known.settled()
  assert.equal(asked.length, 6)
})

test('an answer that fails, or is itself an old one, leaves what was known', async () => {
  let now = 0
  const answers: (Dashboard | undefined | Error)[] = [
    answer('a'),
    answer('a', { stale: true, total: 0 }),
    undefined,
    new Error('no')
  ]
  const known = new KnownDashboards(
    async () => {
      const next = answers.shift()
      if (next instanceof Error) throw next
      return next
    },
    () => now
  )
  for (; answers.length > 0; now += 10_000) {
    known.of([project('a')])
    await known.settled()
  }
  assert.deepEqual(
    known.of([]).map(({ sessions }) => sessions),
    [7]
  )
})

test('is small, whatever the dashboard has', async () => {
  const known = new KnownDashboards(async name => answer(name, { many: 400 }))
  known.of([project('a'), project('b'), project('c'), project('d')])
  await known.settled()
  const bytes = JSON.stringify(known.of([])).length
  assert.ok(bytes < 12_000, `${bytes} bytes`)
})
