import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { Database } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import type { LogEntry } from '@plimsoll/eventlog'
import { readDashboard } from './answer/dashboard.ts'
import { askedFor } from './answer/question.ts'
import { defaultKeep, dropFineGrains } from './grains.ts'
import { migrateAnalytics, readCounted, readProjects } from './store.ts'
import { applyEntries } from './views/apply.ts'
import { declaredViews } from './views/declared.ts'
import { prepareViews } from './views/rebuild.ts'
import { readRegistry, runningOf } from './views/registry.ts'
import { SketchCache } from './views/sketch-cache.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
/** A Sunday; the log below is of its morning, the questions are asked at noon. */
const sunday = Date.UTC(2026, 4, 17)
const noon = sunday + 12 * hour
const tables = declaredViews.flatMap(view => view.tables.map(({ name }) => name)).concat('features')
/** Those that every event is counted in at once. */
const eventTables = declaredViews.filter(({ refresh }) => refresh.mode === 'on-event').map(({ name }) => name)

interface Said {
  start: number
  last?: number
  open?: 0 | 1
  tier?: string
  region?: string
  user?: string
}
const summary = ({ start, last = start, open = 1, tier = 'pro', region = 'eu', user = 'ann' }: Said) => [
  start,
  last,
  open,
  tier,
  region,
  tier === 'unknown' ? 'unknown' : 'known',
  user
]

let position = 0
const entry = (type: string, time: number, change: unknown[] | null, over: Partial<LogEntry> = {}): LogEntry => ({
  position: ++position,
  xid: '1',
  tenant: 'shop',
  id: String(position),
  type,
  time,
  recordedAt: time,
  stream: 's',
  subject: 'ann',
  data: null,
  change,
  ...over
})

/** One session of `uses` at ten-minute steps: its entries as the write side would have put them into the log. */
function session(said: Said, uses: { feature: string; outcome?: string; status?: number; durationMs?: number }[] = []) {
  const subject = said.user ?? 'ann'
  const list = [entry('session.start', said.start, [null, summary(said)], { subject })]
  let before = said
  for (const [i, data] of uses.entries()) {
    const now = { ...said, last: said.start + (i + 1) * 10 * minute }
    list.push(entry('feature.used', now.last, [summary(before), summary(now)], { subject, data }))
    before = now
  }
  return { entries: list, end: before }
}

describe('the read models', () => {
  let db: Database
  before(async () => {
    db = await openScratch()
    await migrateAnalytics(db)
    await db.transaction(tx => prepareViews(tx, declaredViews, 1))
  })
  after(() => db.close())
  beforeEach(() => db.exec(`truncate ${tables.map(table => `analytics.${table}`).join(', ')}`))

  const apply = (entries: LogEntry[], cache = new SketchCache()) =>
    db.transaction(async tx => {
      const running = runningOf(declaredViews, await readRegistry(tx))
      await applyEntries(tx, entries, running, { suffix: '', part: 0, cache })
    })
  const ask = (query: object = {}, now = noon) =>
    readDashboard(db, askedFor({ project: 'shop', ...query }, { from: sunday - 2 * day, to: sunday + day }), now)

  it('have the figures of a log that can be counted by hand', async () => {
    const morning = session({ start: sunday + 9 * hour }, [
      { feature: 'search', outcome: 'ok', status: 200, durationMs: 20 },
      { feature: 'search', outcome: 'client_error', status: 404, durationMs: 40 },
      { feature: 'pay', outcome: 'server_error', status: 503 }
    ])
    const yesterday = session({ start: sunday - 20 * hour, tier: 'free', region: 'us', user: 'bob' }, [
      { feature: 'search', outcome: 'ok', status: 201, durationMs: 60 }
    ])
    const active = session({ start: noon - 3 * minute, user: 'cat' })
    await apply([...morning.entries, ...yesterday.entries, ...active.entries])

    const shown = await ask()
    assert.deepEqual(shown.sessions.byTier, { pro: 2, free: 1 })
    assert.deepEqual([shown.sessions.total, shown.sessions.users, shown.sessions.usersError], [3, 3, 0])
    assert.deepEqual(shown.sessions.byDay, [
      { day: '2026-05-16', sessions: 1 },
      { day: '2026-05-17', sessions: 2 }
    ])
    assert.deepEqual(shown.sessions.trend, [
      { time: '2026-05-16T04:00:00.000Z', tiers: { free: 1 } },
      { time: '2026-05-17T09:00:00.000Z', tiers: { pro: 1 } },
      { time: '2026-05-17T11:00:00.000Z', tiers: { pro: 1 } }
    ])
    assert.deepEqual(shown.availableRegions, ['eu', 'us'])
    assert.deepEqual(shown.outcomes, { ok: 2, client_error: 1, server_error: 1 })
    assert.deepEqual(shown.statusClasses, { '1xx': 0, '2xx': 2, '3xx': 0, '4xx': 1, '5xx': 1 })
    assert.deepEqual(
      shown.features.map(f => [f.feature, f.uses, f.users, f.clientErrors, f.serverErrors, f.errorRate]),
      [
        ['search', 3, 2, 1, 0, 1 / 3],
        ['pay', 1, 1, 0, 1, 1]
      ]
    )
    assert.equal(shown.features[1]!.p50, null, 'no use of it had a duration')
    assert.equal(shown.latency.count, 3)
    assert.ok(Math.abs(shown.latency.p50! - 40) < 2 && Math.abs(shown.latency.p99! - 60) < 2)
    assert.deepEqual(
      shown.quality.map(q => [q.time, q.uses, q.errors]),
      [
        ['2026-05-16T04:00:00.000Z', 1, 0],
        ['2026-05-17T09:00:00.000Z', 3, 2]
      ]
    )
    // Bob was last active at 04:10 on Saturday, which at Sunday noon is more than 24 hours ago.
    assert.deepEqual([shown.active.now, shown.active.last24h], [1, 2])
    assert.deepEqual(shown.active.byTier, { pro: 2 })
    assert.equal(shown.active.trend7d.length, 7)
    assert.deepEqual(shown.active.trend7d.slice(-2), shown.sessions.byDay)
    assert.equal(await readCounted(db, 'shop'), 7)
    assert.deepEqual(await readProjects(db), [
      {
        project: 'shop',
        counted: 7,
        sessions: 3,
        first_event: new Date(sunday - 20 * hour),
        last_event: new Date(noon - 3 * minute)
      }
    ])
  })

  it('answer for the regions that are asked for, and say which others there are', async () => {
    const inEurope = session({ start: sunday + hour }, [{ feature: 'a' }, { feature: 'b' }])
    const inAmerica = session({ start: sunday + hour, region: 'us', user: 'bob' }, [{ feature: 'a' }])
    await apply([...inEurope.entries, ...inAmerica.entries])
    const europe = await ask({ region: 'eu' })
    assert.deepEqual([europe.sessions.total, europe.sessions.users, europe.active.last24h], [1, 1, 1])
    assert.deepEqual(
      europe.features.map(f => [f.feature, f.uses]),
      [
        ['a', 1],
        ['b', 1]
      ]
    )
    assert.deepEqual([europe.regions, europe.availableRegions], [['eu'], ['eu', 'us']])
    assert.equal((await ask({ region: 'eu,us' })).sessions.users, 2)
    const nowhere = await ask({ region: 'mars' })
    assert.deepEqual([nowhere.sessions.total, nowhere.features, nowhere.latency.count], [0, [], 0])
  })

  it('answer for the range that is asked for, edges by the hour and whole days by the day', async () => {
    const hours = [-30, -25, -24, -1, 0, 1, 10, 23, 24]
    await apply(hours.flatMap(h => session({ start: sunday + h * hour }, [{ feature: 'a' }]).entries))
    const inRange = async (from: number, to: number) => {
      const iso = (h: number) => new Date(sunday + h * hour).toISOString()
      const shown = await ask({ from: iso(from), to: iso(to) })
      assert.equal(shown.outcomes.ok, shown.sessions.total)
      return shown.sessions.total
    }
    assert.equal(await inRange(0, 24), 4)
    assert.equal(await inRange(-1, 24), 5)
    assert.equal(await inRange(-25, 11), 6)
    assert.equal(await inRange(-30, 25), 9)
    assert.equal(await inRange(2, 10), 0)
    assert.equal(await inRange(-24 * 30, 24), 8, 'by the day')
  })

  it('count a session as active by the minute at the edge of 24 hours', async () => {
    const lasts = [
      noon - day - minute,
      noon - day,
      noon - day + 30 * minute,
      noon - hour,
      noon - 6 * minute,
      noon - minute
    ]
    await apply(lasts.flatMap(start => session({ start }).entries))
    const { active } = await ask()
    assert.deepEqual([active.last24h, active.now], [5, 1])
  })

  it('move a session on instead of counting it again, and close it when it ends', async () => {
    const { entries, end } = session({ start: noon - 20 * minute }, [{ feature: 'a' }, { feature: 'a' }])
    for (const one of entries) await apply([one])
    assert.deepEqual([(await ask()).active.now, (await ask()).active.last24h], [1, 1])
    await apply([entry('session.end', end.last!, [summary(end), summary({ ...end, open: 0 })])])
    assert.deepEqual([(await ask()).active.now, (await ask()).active.last24h], [0, 1])
  })

  it('restate a session from unknown to known, and no end of the data moves', async () => {
    const said = { start: sunday + hour, tier: 'unknown', region: 'unknown' }
    const other = session({ start: sunday + hour })
    await apply([...session(said).entries, ...other.entries])
    const before = await ask()
    assert.deepEqual([before.unknownShare, before.sessions.byTier], [0.5, { unknown: 1, pro: 1 }])
    assert.equal((await ask({ region: 'eu' })).unknownShare, 0.5, 'a filter makes nothing known')
    const [totals] = await readProjects(db)
    await apply([
      entry('session.enriched', noon, [summary(said), summary({ start: said.start, tier: 'free', region: 'us' })])
    ])
    const after = await ask()
    assert.deepEqual([after.unknownShare, after.sessions.byTier], [0, { pro: 1, free: 1 }])
    assert.deepEqual(after.active.byTier, { pro: 1, free: 1 })
    assert.deepEqual(after.availableRegions, ['eu', 'us'])
    assert.deepEqual(await readProjects(db), [totals], 'and nothing more was received')
  })

  it('forget a session that is deleted, but not that its events were received', async () => {
    const { entries, end } = session({ start: sunday + hour })
    await apply([...entries, entry('session.delete', noon, [summary(end), null])])
    const shown = await ask()
    assert.deepEqual([shown.sessions.total, shown.active.last24h, shown.sessions.trend], [0, 0, []])
    assert.equal(await readCounted(db, 'shop'), 2)
    assert.equal((await readProjects(db))[0]!.sessions, 0)
  })

  it('lose their fine rows in time, and keep what these were added up into', async () => {
    const long = 500 * day
    await apply([
      ...session({ start: sunday - long }, [{ feature: 'a' }]).entries,
      ...session({ start: sunday - 3 * day }).entries,
      ...session({ start: sunday + hour }, [{ feature: 'a' }]).entries
    ])
    const widths = async (table: string) =>
      (
        await db.query<{ w: string }>(
          `select distinct width::text || ' ' || bucket::date::text as w from analytics.${table} order by 1`
        )
      ).rows.map(({ w }) => w)
    assert.ok((await dropFineGrains(db, noon, defaultKeep)) > 0)
    assert.deepEqual(await widths('session_activity'), ['h 2026-05-14', 'h 2026-05-17', 'm 2026-05-17'])
    assert.deepEqual(await widths('session_stats'), [
      'd 2025-01-02',
      'd 2026-05-14',
      'd 2026-05-17',
      'h 2026-05-14',
      'h 2026-05-17'
    ])
    assert.deepEqual(await widths('use_stats'), [
      'd 2025-01-02',
      'd 2026-05-14',
      'd 2026-05-17',
      'h 2026-05-14',
      'h 2026-05-17'
    ])
    assert.equal(await dropFineGrains(db, noon, defaultKeep), 0)
    const old = askedFor(
      {
        project: 'shop',
        from: new Date(sunday - long + hour).toISOString(),
        to: new Date(sunday - long + 2 * hour).toISOString()
      },
      { from: 0, to: 0 },
      noon - defaultKeep.hoursMs
    )
    const shown = await readDashboard(db, old, noon)
    assert.deepEqual([shown.range.step, shown.sessions.total, shown.outcomes.ok], ['day', 1, 1])
    // What comes late makes a fine row again, and no sum is wrong by it.
    await apply(session({ start: sunday - long }).entries)
    assert.equal((await readDashboard(db, old, noon)).sessions.total, 2)
  })

  it('keep projects apart, and answer for one that is not there', async () => {
    await apply([entry('session.start', sunday, [null, summary({ start: sunday })], { tenant: 'blog' })])
    assert.equal((await ask()).sessions.total, 0)
    assert.equal(await readCounted(db, 'shop'), 0)
    assert.equal(await readCounted(db, 'blog'), 1)
  })

  it('know a thousand features of a project by name, and the rest as (other)', async () => {
    const use = (feature: string, tenant = 'shop') => entry('feature.used', sunday, null, { tenant, data: { feature } })
    const many = Array.from({ length: 1_003 }, (_, n) => use(`f${String(n).padStart(4, '0')}`))
    await apply(many.slice(0, 999))
    await apply([...many.slice(999), use('f0000'), use('more')])
    await apply([use('f0999'), use('f1002'), use('free', 'blog')])
    const { rows } = await db.query<{ feature: string; uses: number }>(
      `select feature, uses from analytics.feature_stats
       where project = 'shop' and width = 'd' and region = '*' and feature in ('f0000', 'f0999', 'f1000', 'f1002', '(other)') order by 1`
    )
    assert.deepEqual(rows, [
      { feature: '(other)', uses: 5 },
      { feature: 'f0000', uses: 2 },
      { feature: 'f0999', uses: 2 }
    ])
    const features = await db.query("select from analytics.features where project = 'shop'")
    assert.equal(features.rows.length, 1_000)
    assert.equal((await db.query("select from analytics.features where project = 'blog'")).rows.length, 1)
  })

  it('are the same rows to the byte when the log is replayed, however it is cut', async () => {
    const unknown = { tier: 'unknown', region: 'unknown' }
    const log: LogEntry[] = []
    for (let n = 0; n < 120; n++) {
      const start = sunday + ((n * 7_919) % 1_440) * minute
      const said = { start, user: `user-${n % 37}`, ...(n % 3 === 0 ? unknown : { tier: n % 2 ? 'pro' : 'free' }) }
      const uses = Array.from({ length: n % 5 }, (_, i) => ({
        feature: `feature-${(n * i) % 11}`,
        outcome: i % 4 === 3 ? 'server_error' : 'ok',
        status: 200 + i,
        durationMs: (n * 37 + i * 101) % 5_000
      }))
      const { entries, end } = session(said, uses)
      log.push(...entries)
      if (n % 3 === 0) {
        const known = { ...end, tier: 'pro', region: 'us' }
        log.push(entry('session.enriched', noon + n * hour, [summary(end), summary(known)], { subject: said.user }))
      }
      if (n % 10 === 0) log.push(entry('session.delete', noon, [summary(end), null], { subject: said.user }))
    }
    // More users than a feature's counter keeps one by one, so that some batch makes it dense.
    for (let n = 0; n < 6_000; n++) {
      log.push(entry('feature.used', sunday + n, null, { subject: `crowd-${n % 5_000}`, data: { feature: 'crowded' } }))
    }

    const hashes: Record<string, string> = {}
    for (const [name, size, cached] of [
      ['all at once', log.length, false],
      ['by 1000, as a projection does', 1_000, true],
      ['by 97', 97, true],
      ['by 1000 without a memory', 1_000, false]
    ] as const) {
      await db.exec(`truncate ${tables.map(table => `analytics.${table}`).join(', ')}`)
      const cache = cached ? new SketchCache(20) : undefined
      for (let at = 0; at < log.length; at += size) await apply(log.slice(at, at + size), cache)
      const hash = createHash('sha256')
      for (const table of eventTables) {
        const { rows } = await db.query<{ row: string }>(`select t::text as row from analytics.${table} t order by 1`)
        assert.ok(rows.length > 0, table)
        for (const { row } of rows) hash.update(`${table} ${row}\n`)
      }
      hashes[name] = hash.digest('hex')
    }
    assert.equal(new Set(Object.values(hashes)).size, 1, JSON.stringify(hashes, null, 1))
  })
})
