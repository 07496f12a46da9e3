import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import type { Database } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import { append, migrateLog, type NewEntry } from '@plimsoll/eventlog'
import { createServer, problem } from '@plimsoll/http'
import { manualClock } from '@plimsoll/resilience'
import { Compile } from 'typebox/compile'
import { Dashboard, Projects } from './contract.ts'
import { type Analytics, createAnalytics } from './service.ts'

const hour = 3_600_000
const day = 24 * hour

/** The read side over a log that a test writes, on a real socket and two real databases. */
async function run() {
  const [log, store] = await Promise.all([openScratch(), openScratch()])
  await migrateLog(log)
  const time = { ahead: 0 }
  const now = () => Date.now() + time.ahead
  const clock = manualClock()
  const may = { read: true }
  const analytics: Analytics = await createAnalytics({
    log,
    store,
    now,
    clock,
    mayRead() {
      if (!may.read) throw problem(401, 'unauthorized', 'no')
    }
  })
  const app = await createServer({ title: 'Analytics', version: '1' })
  await app.register(analytics.routes)
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  let lost: Promise<void> | undefined
  const loseStore = () => (lost ??= store.close())
  return {
    analytics,
    log,
    clock,
    /** Keeps the read models from whoever reads them, until what it gives back is called. */
    async holdStore() {
      const held = Promise.withResolvers<void>()
      const release = Promise.withResolvers<void>()
      const transaction = store.transaction(async tx => {
        await tx.exec('lock table analytics.projects, analytics.session_stats in access exclusive mode')
        held.resolve()
        await release.promise
      })
      await held.promise
      return () => {
        release.resolve()
        return transaction
      }
    },
    time,
    now,
    may,
    loseStore,
    async get(path: string, query: Record<string, string> = {}, headers: Record<string, string> = {}) {
      const response = await fetch(`${url}${path}?${new URLSearchParams(query)}`, { headers })
      return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) }
    },
    async close() {
      await app.close()
      await analytics.stop()
      await Promise.all([log.close(), loseStore()])
    }
  }
}

/** A session of one use, as the write side puts it into the log. */
function sessionAt(start: number, { tenant = 'shop', tier = 'pro', region = 'eu', user = 'ann' } = {}): NewEntry[] {
  const summary = [start, start, 1, tier, region, tier === 'unknown' ? 'unknown' : 'known', user]
  const common = { tenant, time: start, stream: randomUUID(), subject: user, digest: '1' }
  const change = JSON.stringify([null, summary])
  const use = { feature: 'search', outcome: 'ok', status: 200, durationMs: 25 }
  return [
    { ...common, id: randomUUID(), type: 'session.start', data: null, change },
    {
      ...common,
      id: randomUUID(),
      type: 'feature.used',
      data: JSON.stringify(use),
      change: JSON.stringify([summary, summary])
    }
  ]
}
const write = (log: Database, entries: NewEntry[]) => log.transaction(tx => append(tx, entries))

describe('the dashboard over HTTP', () => {
  let side: Awaited<ReturnType<typeof run>>
  before(async () => {
    side = await run()
    side.analytics.start()
  })
  after(() => side.close())

  /** The next answer, made anew. */
  const dashboard = async (query: Record<string, string> = {}) => {
    await side.analytics.settled()
    side.time.ahead += 5_000
    return side.get('/v1/dashboard', { project: 'shop', ...query })
  }

  it('answers for a project that has nothing, and says how fresh that is', async () => {
    const { status, body } = await dashboard()
    assert.equal(status, 200)
    assert.ok(Compile(Dashboard).Check(body))
    assert.deepEqual([body.sessions.total, body.sessions.trend, body.features], [0, [], []])
    assert.deepEqual(
      [body.freshness.complete, body.freshness.stale, body.freshness.unknownShare, body.freshness.lagMs],
      [true, false, 0, 0]
    )
    assert.equal(Date.parse(body.range.to) - Date.parse(body.range.from), 7 * day)
  })

  it('shows what was written, once it was applied', async () => {
    const start = side.now() - 2 * 60_000
    await write(side.log, [
      ...sessionAt(start),
      ...sessionAt(start, { tier: 'free', region: 'us', user: 'bob' }),
      ...sessionAt(start, { tier: 'unknown', region: 'unknown', user: 'cat' })
    ])
    const { body } = await dashboard()
    assert.ok(Compile(Dashboard).Check(body))
    assert.deepEqual(body.sessions.byTier, { pro: 1, free: 1, unknown: 1 })
    assert.deepEqual([body.sessions.total, body.sessions.users, body.active.now], [3, 3, 3])
    assert.deepEqual(
      body.features.map(f => [f.feature, f.uses, f.users]),
      [['search', 3, 3]]
    )
    assert.ok(Math.abs(body.latency.p50! - 25) < 1)
    assert.deepEqual(body.availableRegions, ['eu', 'unknown', 'us'])
    assert.ok(Math.abs(body.freshness.unknownShare - 1 / 3) < 1e-9)
    assert.ok(side.now() - Date.parse(body.freshness.asOf) < 60_000)
  })

  it('counts a tier whose name every object knows', async () => {
    const start = side.now() - 2 * 60_000
    const names = ['constructor', '__proto__', 'tostring', 'constructor']
    await write(
      side.log,
      names.flatMap(tier => sessionAt(start, { tenant: 'odd', tier, user: tier }))
    )
    const { status, body } = await dashboard({ project: 'odd' })
    assert.equal(status, 200)
    const counts = [
      ['__proto__', 1],
      ['constructor', 2],
      ['tostring', 1]
    ]
    for (const tiers of [body.sessions.byTier, body.sessions.trend[0].tiers, body.active.byTier])
      assert.deepEqual(Object.entries(tiers).sort(), counts)
  })

  it('is filtered by region and by range', async () => {
    const { body } = await dashboard({ region: 'us,eu' })
    assert.deepEqual([body.regions, body.sessions.byTier], [['eu', 'us'], { pro: 1, free: 1 }])
    const [from, to] = [side.now() - 40 * day, side.now() - 30 * day].map(ms => new Date(ms).toISOString())
    const earlier = (await dashboard({ from: from!, to: to! })).body
    assert.deepEqual([earlier.sessions.total, earlier.range.step], [0, 'day'])
    assert.ok(earlier.range.from <= from! && earlier.range.to >= to!)
  })

  it('opens on the data’s own days when all of it is old', async () => {
    const start = Date.UTC(2015, 4, 17, 10, 5)
    await write(side.log, [...sessionAt(start, { tenant: 'old' }), ...sessionAt(start + 3 * day, { tenant: 'old' })])
    const { body } = await dashboard({ project: 'old' })
    assert.deepEqual([body.range.from, body.range.to], ['2015-05-17T00:00:00.000Z', '2015-05-21T00:00:00.000Z'])
    assert.equal(body.sessions.total, 2)
    const projects = (await side.get('/v1/projects')).body
    assert.ok(Compile(Projects).Check(projects))
    assert.deepEqual(
      projects.projects.map((p: { project: string; sessions: number; events: number }) => [
        p.project,
        p.sessions,
        p.events
      ]),
      [
        ['odd', 4, 8],
        ['old', 2, 4],
        ['shop', 3, 6]
      ]
    )
    assert.equal(await side.analytics.counted('old'), 4)
  })

  it('refuses a question that makes no sense', async () => {
    const tries: [Record<string, string>, string][] = [
      [{ project: 'No!' }, 'invalid_project'],
      [{ project: '' }, 'invalid_request'],
      [{ from: 'yesterday' }, 'invalid_request'],
      [{ from: '2026-05-02T00:00:00Z', to: '2026-05-01T00:00:00Z' }, 'invalid_range'],
      [{ from: '2001-01-01T00:00:00Z', to: '2026-05-01T00:00:00Z' }, 'invalid_range'],
      [{ top: '0' }, 'invalid_request'],
      [{ top: 'all' }, 'invalid_request'],
      [{ region: 'x'.repeat(600) }, 'invalid_request'],
      [{ region: 'eu,\0' }, 'invalid_region']
    ]
    for (const [query, code] of tries) {
      const { status, body } = await side.get('/v1/dashboard', { project: 'shop', ...query })
      assert.deepEqual([status, body.code], [400, code], JSON.stringify(query))
    }
  })

  it('is for those who may read', async () => {
    side.may.read = false
    assert.equal((await side.get('/v1/dashboard', { project: 'shop' })).status, 401)
    assert.equal((await side.get('/v1/projects')).status, 401)
    side.may.read = true
  })
})

describe('a read side that is behind', () => {
  it('says so: not complete, and as old as it is', async () => {
    const side = await run()
    try {
      await write(side.log, sessionAt(side.now() - hour))
      const query = { project: 'shop' }
      const { freshness, sessions } = (await side.get('/v1/dashboard', query)).body
      assert.equal(sessions.total, 0)
      assert.equal(freshness.complete, false)
      assert.ok(freshness.lagMs > 0)
      side.analytics.start()
      await side.analytics.settled()
      side.time.ahead = 5_000
      const caughtUp = (await side.get('/v1/dashboard', query)).body
      assert.deepEqual([caughtUp.sessions.total, caughtUp.freshness.complete, caughtUp.freshness.lagMs], [1, true, 0])
    } finally {
      await side.close()
    }
  })
})

describe('a read side that has lost its store', () => {
  it('gives the last good answer with its age, and an error only where there never was one', async () => {
    const side = await run()
    try {
      side.analytics.start()
      await write(side.log, sessionAt(side.now() - 60_000))
      await side.analytics.settled()
      const good = (await side.get('/v1/dashboard', { project: 'shop' })).body
      assert.deepEqual([good.sessions.total, good.freshness.stale], [1, false])
      await side.loseStore()
      for (const later of [10_000, 3 * day]) {
        side.time.ahead = later
        const { status, body } = await side.get('/v1/dashboard', { project: 'shop' })
        assert.equal(status, 200)
        assert.deepEqual([body.sessions, body.range], [good.sessions, good.range])
        assert.equal(body.freshness.stale, true)
        assert.equal(body.freshness.asOf, good.freshness.asOf)
        assert.ok(body.freshness.lagMs >= later, `${body.freshness.lagMs} ms old`)
      }
      assert.equal((await side.get('/v1/projects')).body.freshness.stale, true)
      const never = await side.get('/v1/dashboard', { project: 'shop', region: 'us' })
      assert.deepEqual([never.status, never.body.code], [503, 'read_store_unavailable'])
      assert.equal(never.headers.get('retry-after'), '2')
      assert.equal(await side.analytics.counted('shop'), null)
    } finally {
      await side.close()
    }
  })
})

describe('a read side whose store does not answer', () => {
  const waitsFor = (ms: number) => ({ 'x-request-deadline': String(ms) })

  it('answers each caller by their deadline, with the last good answer where there is one', async () => {
    const side = await run()
    try {
      side.analytics.start()
      await write(side.log, sessionAt(side.now() - 60_000))
      await side.analytics.settled()
      const good = (await side.get('/v1/dashboard', { project: 'shop' })).body
      assert.equal(good.freshness.stale, false)
      await side.analytics.stop()
      const release = await side.holdStore()
      side.time.ahead = 10_000
      const region = { project: 'shop', region: 'us', from: good.range.from, to: good.range.to }
      const asked = [
        side.get('/v1/dashboard', { project: 'shop' }, waitsFor(250)),
        side.get('/v1/projects', {}, waitsFor(250)),
        side.get('/v1/dashboard', region, waitsFor(250))
      ]
      while (side.clock.pending < asked.length) await new Promise(setImmediate)
      // The dashboard asks for the projects first, and then has nothing left for its own question.
      side.clock.advance(250)
      const [dashboard, projects, never] = await Promise.all(asked)
      assert.deepEqual([dashboard!.status, dashboard!.body.sessions], [200, good.sessions])
      assert.deepEqual([dashboard!.body.freshness.stale, projects!.body.freshness.stale], [true, true])
      assert.deepEqual([never!.status, never!.body.code], [503, 'read_store_slow'])
      assert.equal(never!.headers.get('retry-after'), '2')
      await release()
    } finally {
      await side.close()
    }
  })

  it('refuses a deadline that is none', async () => {
    const side = await run()
    try {
      for (const path of ['/v1/dashboard', '/v1/projects']) {
        const { status, body } = await side.get(path, { project: 'shop' }, { 'x-request-deadline': 'soon' })
        assert.deepEqual([status, body.code], [400, 'invalid_deadline'])
      }
    } finally {
      await side.close()
    }
  })
})
