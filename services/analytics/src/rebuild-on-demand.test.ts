import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as nap } from 'node:timers/promises'
import type { Database } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import { append, migrateLog, type NewEntry } from '@plimsoll/eventlog'
import { createServer } from '@plimsoll/http'
import type { FastifyInstance } from 'fastify'
import type { Views } from './contract.ts'
import { type Analytics, createAnalytics } from './service.ts'
import { declaredViews } from './views/declared.ts'
import { hashOf, refreshAll } from './views/testing.ts'

const started = (n: number): NewEntry => ({
  tenant: 'shop',
  id: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
  type: 'session.start',
  time: Date.UTC(2026, 10, 1) + n * 60_000,
  stream: `00000000-0000-4000-9000-${String(n).padStart(12, '0')}`,
  subject: `user-${n % 7}`,
  digest: '1',
  data: null,
  change: JSON.stringify([null, [Date.UTC(2026, 10, 1) + n * 60_000, 0, 1, 'pro', 'eu', 'known', `user-${n % 7}`]])
})

async function built(analytics: Analytics): Promise<void> {
  const until = performance.now() + 60_000
  while (analytics.views().rebuild !== null) {
    assert.ok(performance.now() < until, 'it was not done within a minute')
    await nap(20)
  }
}

describe('a rebuild that somebody asks for', () => {
  let log: Database
  let store: Database
  let analytics: Analytics
  let app: FastifyInstance
  before(async () => {
    ;[log, store] = await Promise.all([openScratch(), openScratch()])
    await migrateLog(log)
    await log.transaction(tx =>
      append(
        tx,
        Array.from({ length: 300 }, (_, n) => started(n))
      )
    )
    analytics = await createAnalytics({ log, store, mayRead: () => undefined })
    app = await createServer({ title: 'Analytics', version: '1' })
    await app.register(analytics.routes)
    analytics.start()
    await analytics.settled()
  })
  after(async () => {
    await app?.close()
    await analytics?.stop()
    await Promise.all([log?.close(), store?.close()])
  })

  const ask = async (body: object) => {
    const { statusCode, body: text } = await app.inject({ method: 'POST', url: '/v1/views/rebuild', payload: body })
    return { status: statusCode, body: JSON.parse(text) }
  }
  const views = async (): Promise<Views> => (await app.inject('/v1/views')).json()

  it('is refused for a view that there is not, and nothing is begun', async () => {
    const { status, body } = await ask({ views: ['session_stats', 'no_such_view'] })
    assert.deepEqual([status, body.code], [404, 'unknown_view'])
    assert.equal((await views()).rebuild, null)
  })

  it('is refused while something is being built', async () => {
    await store.query("insert into analytics.views (name, live, version) values ('projects', false, 1)")
    const { status, body } = await ask({})
    await store.query('delete from analytics.views where not live')
    assert.deepEqual([status, body.code], [409, 'rebuild_running'])
  })

  it('makes wrong rows right, from the log', async () => {
    await refreshAll(store, declaredViews)
    const right = await hashOf(store, declaredViews)
    await store.query('update analytics.session_stats set sessions = sessions + 1')
    assert.notEqual(await hashOf(store, declaredViews), right)

    const { status, body } = await ask({ views: ['session_stats'] })
    assert.deepEqual([status, body.views], [202, ['session_stats']])
    await built(analytics)
    assert.equal(await hashOf(store, declaredViews), right)
  })

  it('builds all of them when none is named, and the same again', async () => {
    const right = await hashOf(store, declaredViews)
    const { body } = await ask({})
    assert.equal(body.views.length, declaredViews.length)
    await built(analytics)
    await refreshAll(store, declaredViews)
    assert.equal(await hashOf(store, declaredViews), right)
  })

  it('is gone on with by the next process', async () => {
    await ask({ views: ['projects'] })
    await analytics.stop()
    const next = await createAnalytics({ log, store, mayRead: () => undefined })
    next.start()
    await next.settled()
    try {
      await built(next)
      const { rows } = await store.query<{ n: number }>('select count(*)::int as n from analytics.views where not live')
      assert.equal(rows[0]!.n, 0, 'nothing is left half built')
    } finally {
      await next.stop()
    }
  })
})
