import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import type { Database } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import { append, headOf, migrateLog, type NewEntry } from '@plimsoll/eventlog'
import { createServer } from '@plimsoll/http'
import { type ManualClock, manualClock } from '@plimsoll/resilience'
import { Compile } from 'typebox/compile'
import { positionText } from './consistency.ts'
import { Retention, Views } from './contract.ts'
import { type Analytics, createAnalytics } from './service.ts'
import { changedViews } from './views/changed-views.ts'

const start = Date.now() - 60_000

/** One session, as the write side puts it into the log. */
const session = (user: string): NewEntry => ({
  tenant: 'shop',
  id: randomUUID(),
  type: 'session.start',
  time: start,
  stream: randomUUID(),
  subject: user,
  digest: '1',
  data: null,
  change: JSON.stringify([null, [start, start, 1, 'pro', 'eu', 'known', user]])
})

describe('an answer that must hold a position', () => {
  let log: Database
  let store: Database
  let clock: ManualClock
  let analytics: Analytics
  let app: Awaited<ReturnType<typeof createServer>>
  const open = async (views?: Parameters<typeof createAnalytics>[0]['views']) => {
    clock = manualClock()
    analytics = await createAnalytics({ log, store, clock, mayRead: () => undefined, ...(views && { views }) })
    app = await createServer({ title: 'Analytics', version: '1' })
    await app.register(analytics.routes)
  }
  const close = async () => {
    await app.close()
    await analytics.stop()
  }
  before(async () => {
    ;[log, store] = await Promise.all([openScratch(), openScratch()])
    await migrateLog(log)
    await open()
  })
  after(async () => {
    await close()
    await Promise.all([log.close(), store.close()])
  })

  /** Writes a session and tells its position, as the write side does. */
  const write = async (user: string) => {
    await log.transaction(tx => append(tx, [session(user)]))
    return positionText(await headOf(log))
  }
  const ask = async (path: string, query: Record<string, string> = {}) => {
    const search = new URLSearchParams({ project: 'shop', ...query })
    const answer = await app.inject(`${path}?${search}`)
    return { status: answer.statusCode, body: answer.json() }
  }

  it('waits for it no longer than its deadline, and then says where the read side stands', async t => {
    const minPosition = await write('ann')
    const asking = t.mock.method(log, 'query').mock
    for (const query of [{ minPosition }, { consistency: 'billing' }]) {
      const timers = clock.pending
      const asked = ask('/v1/dashboard', query)
      while (clock.pending === timers) await new Promise(setImmediate)
      // The question for the end of the log is answered first; on a server, one of ours could overtake it.
      await asking.calls.at(-1)!.result
      for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
      clock.advance(10_000)
      // Asked for nothing, everybody gets what there is.
      assert.equal((await ask('/v1/dashboard')).body.sessions.total, 0)
      const { status, body } = await asked
      assert.deepEqual(
        [status, body.code, body.position, body.minPosition],
        [503, 'position_not_reached', '0.0', minPosition]
      )
    }
  })

  it('is refused for a log that cannot say how far it goes, or not in time, and the answer says which', async t => {
    const asked = t.mock.method(log, 'query')
    asked.mock.mockImplementation(() => Promise.reject(new Error('the log is away')))
    const away = await ask('/v1/dashboard', { consistency: 'billing' })
    assert.deepEqual([away.status, away.body.code], [503, 'log_unavailable'])
    asked.mock.mockImplementation(() => new Promise(() => undefined))
    const timers = clock.pending
    const waiting = ask('/v1/dashboard', { consistency: 'billing' })
    while (clock.pending === timers) await new Promise(setImmediate)
    clock.advance(10_000)
    const slow = await waiting
    assert.deepEqual([slow.status, slow.body.code], [503, 'log_slow'])
  })

  it('is refused at once when the log ends before it', async () => {
    const head = await headOf(log)
    const minPosition = positionText({ ...head, position: head.position + 1 })
    for (const query of [{ minPosition }, { minPosition, consistency: 'billing' }]) {
      const { status, body } = await ask('/v1/dashboard', query)
      assert.deepEqual([status, body.code], [400, 'unknown_position'])
    }
  })

  it('is given as soon as it is reached, and shows what its caller wrote', async () => {
    analytics.start()
    for (const user of ['bob', 'cat', 'dan']) {
      const minPosition = await write(user)
      const { status, body } = await ask('/v1/dashboard', { minPosition })
      assert.equal(status, 200)
      assert.ok(body.sessions.users >= { bob: 2, cat: 3, dan: 4 }[user]!, `${body.sessions.users} users`)
      assert.equal(body.freshness.position, minPosition)
    }
    await write('eve')
    assert.equal((await ask('/v1/dashboard', { consistency: 'billing' })).body.sessions.users, 5)
    await write('fay')
    const { body } = await ask('/v1/projects', { consistency: 'billing' })
    assert.equal(body.projects[0].events, 6)
  })

  it('comes from memory when what is kept holds it', async () => {
    const { body: first } = await ask('/v1/dashboard', { consistency: 'billing' })
    const statements = (await store.statistics()).commits
    for (let n = 0; n < 3; n++) {
      const { body } = await ask('/v1/dashboard', { minPosition: first.freshness.position })
      assert.equal(body.freshness.position, first.freshness.position)
    }
    const made = (await store.statistics()).commits - statements
    assert.ok(made <= 3, `${made} transactions`)
  })

  it('of a periodic view is refreshed for it', async () => {
    const before = (await ask('/v1/retention')).body
    assert.ok(Compile(Retention).Check(before))
    assert.deepEqual([before.cohorts, before.refresh.lastAt], [[], null])
    const minPosition = await write('gus')
    const { status, body } = await ask('/v1/retention', { minPosition })
    assert.equal(status, 200)
    assert.ok(Compile(Retention).Check(body))
    assert.deepEqual(
      body.cohorts.map((cohort: { users: number }) => cohort.users),
      [7]
    )
    assert.equal(body.freshness.position, minPosition)
    assert.equal((await ask('/v1/retention', { consistency: 'billing' })).body.cohorts[0].users, 7)
  })

  it('of a periodic view comes by itself when its time is there, and says how old it is', async () => {
    await write('hal')
    await analytics.settled()
    const old = (await ask('/v1/retention')).body
    assert.equal(old.cohorts[0].users, 7)
    assert.ok(old.freshness.lagMs > 0)
    const refreshed = analytics.views().views.find(({ mode }) => mode === 'periodic')!.cost.refreshes
    clock.advance(old.refresh.everyMs)
    for (;;) {
      const { cost } = analytics.views().views.find(({ mode }) => mode === 'periodic')!
      if (cost.refreshes > refreshed) break
      await new Promise(setImmediate)
    }
    assert.equal((await ask('/v1/retention', { consistency: 'latest' })).body.cohorts[0].users, 8)
  })

  it('is refused for what is no position', async () => {
    for (const minPosition of ['soon', '1', '1.', '-1.5', `${'9'.repeat(21)}.1`]) {
      assert.equal((await ask('/v1/dashboard', { minPosition })).status, 400, minPosition)
    }
  })

  it('says what each view costs and how old it is', async () => {
    const { status, body } = await ask('/v1/views')
    assert.equal(status, 200)
    assert.ok(Compile(Views).Check(body))
    for (const view of body.views) {
      assert.ok(view.cost.steps > 0 && view.cost.stepMs > 0 && view.cost.msPerThousandEntries! > 0, view.name)
      assert.equal(view.cost.refreshes > 0, view.mode === 'periodic')
      assert.equal(view.state, 'live')
    }
    assert.equal(body.rebuild, null)
  })

  it('is never empty and never a failure while views are built anew and put in place, and then is of the new ones', async () => {
    const rows = 3_000
    for (let n = 0; n < 3; n++) {
      await log.transaction(tx =>
        append(
          tx,
          Array.from({ length: rows / 3 }, (_, i) => session(`crowd-${n}-${i}`))
        )
      )
    }
    await analytics.settled()
    await close()
    await open({ declared: changedViews, procedure: new URL('./views/changed-views.ts', import.meta.url) })
    const was = (await ask('/v1/dashboard')).body
    assert.equal(was.sessions.total, rows + 8)
    assert.equal(was.freshness.complete, false, 'nothing is added to some of these rows')
    const standing = Object.fromEntries(analytics.views().views.map(({ name, state }) => [name, state]))
    assert.deepEqual([standing.session_stats, standing.projects, standing.use_stats], ['building', 'frozen', 'live'])
    analytics.start()
    const seen = new Set<number>()
    while (analytics.views().rebuild) {
      const { status, body } = await ask('/v1/dashboard', { consistency: 'latest' })
      assert.deepEqual([status, body.freshness.stale], [200, false])
      seen.add(body.sessions.total)
    }
    const now = (await ask('/v1/dashboard', { consistency: 'billing' })).body
    assert.equal(now.sessions.total, 2 * (rows + 8))
    assert.equal(now.freshness.complete, true)
    assert.ok(
      [...seen].every(total => [rows + 8, 2 * (rows + 8)].includes(total)),
      String([...seen])
    )
    assert.ok(analytics.views().views.every(({ state }) => state === 'live'))
    assert.equal((await ask('/v1/retention', { consistency: 'billing' })).body.cohorts[0].users, rows + 8)
  })
  it('is of the live rows, and says that they are frozen, when the log no longer holds what they count', async () => {
    await close()
    await log.query('delete from eventlog.entries where position < 100')
    const told: unknown[] = []
    clock = manualClock()
    analytics = await createAnalytics({
      log,
      store,
      clock,
      mayRead: () => undefined,
      onError: error => told.push(error)
    })
    app = await createServer({ title: 'Analytics', version: '1' })
    await app.register(analytics.routes)
    analytics.start()
    await analytics.settled()
    assert.deepEqual(
      told.map(error => (error as { code: string }).code),
      ['PLIMSOLL_LOG_CUT']
    )
    const { body } = await ask('/v1/dashboard', { consistency: 'latest' })
    assert.deepEqual(
      [body.sessions.total, body.freshness.complete, analytics.views().rebuild],
      [2 * 3_008, false, null]
    )
  })
})
