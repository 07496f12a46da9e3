import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { setTimeout as soon } from 'node:timers/promises'
import type { Database } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import { append, migrateLog, type NewEntry, SharedLog } from '@plimsoll/eventlog'
import { createServer } from '@plimsoll/http'
import { Compile } from 'typebox/compile'
import { FeedAnswer, ReadAnswer } from './contract.ts'
import { createFeed, type Feed } from './service.ts'
import type { UserEventPage } from './users-follower.ts'

const adminToken = 'admin-of-this-test'
const minute = 60_000
const day = 86_400_000
const now = Date.UTC(2026, 10, 20, 12)

const visit = (at: number, user: string) => [at, at + minute, 1, 'pro', 'eu', 'known', user]
const entry = (change: unknown, over: Partial<NewEntry> = {}): NewEntry => ({
  tenant: 'shop',
  id: randomUUID(),
  type: 'session.heartbeat',
  time: now,
  stream: randomUUID(),
  subject: null,
  digest: '1',
  data: null,
  change: JSON.stringify(change),
  ...over
})

/** What happened to users, as their service tells it. */
class Told {
  #events: unknown[] = []
  #news = Promise.withResolvers<void>()
  tell(type: string, userId: string, data: object = {}, at = now): void {
    const id = randomUUID()
    this.#events.push({ id, type, userId, version: 1, at: new Date(at).toISOString(), data })
    this.#news.resolve()
  }
  async *follow(after: string | undefined, signal: AbortSignal): AsyncGenerator<UserEventPage> {
    for (let at = Number(after ?? 0); !signal.aborted; ) {
      const events = this.#events.slice(at, at + 2)
      at += events.length
      yield { events, cursor: String(at), caughtUp: at === this.#events.length }
      if (events.length > 0) continue
      this.#news = Promise.withResolvers<void>()
      const stop = () => this.#news.resolve()
      signal.addEventListener('abort', stop, { once: true })
      await this.#news.promise
    }
  }
}

/** What a statement did, as `explain` tells it. */
interface Plan {
  'Actual Rows': number
  'Actual Loops': number
  Plans?: Plan[]
}
/** Rows that were read or made by the step that had most of them. */
const rowsIn = ({ 'Actual Rows': rows, 'Actual Loops': loops, Plans = [] }: Plan): number =>
  Math.max(rows * loops, ...Plans.map(rowsIn))

describe('the feed of a user', () => {
  let log: Database
  let store: Database
  let feed: Feed
  let url: string
  let close: () => Promise<void>
  const users = new Told()
  before(async () => {
    ;[log, store] = await Promise.all([openScratch(), openScratch()])
    await migrateLog(log)
    feed = await createFeed({ shared: new SharedLog(log), store, users, adminToken, now: () => now })
    const app = await createServer({ title: 'Feed', version: '1' })
    await app.register(feed.routes)
    url = await app.listen({ host: '127.0.0.1', port: 0 })
    close = async () => {
      await app.close()
      await feed.stop()
      await Promise.all([log.close(), store.close()])
    }
    feed.start()
  })
  after(() => close())

  const write = async (...entries: NewEntry[]) => {
    await log.transaction(tx => append(tx, entries))
    await feed.subscriber.settled()
  }
  const ask = async (path: string, init: RequestInit = {}) => {
    const headers = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' }
    const { body, ...rest } = init
    const response = await fetch(url + path, {
      ...rest,
      ...(body ? { body, headers } : { headers: { authorization: headers.authorization } })
    })
    return { status: response.status, body: JSON.parse(await response.text()) }
  }
  const of = async (user: string, query = '') => {
    const { status, body } = await ask(`/v1/feed/${user}${query}`)
    assert.equal(status, 200)
    assert.ok(Compile(FeedAnswer).Check(body), JSON.stringify(body))
    return body
  }
  const mark = async (user: string, through: string) => {
    const { body } = await ask(`/v1/feed/${user}/read`, { method: 'PUT', body: JSON.stringify({ through }) })
    assert.ok(Compile(ReadAnswer).Check(body))
    return body
  }
  const eventually = async (check: () => Promise<void>) => {
    for (const until = performance.now() + 30_000; ; await soon(10)) {
      try {
        return await check()
      } catch (error) {
        if (performance.now() > until) throw error
      }
    }
  }

  it('has each session once, the newest first, in pages without gap or repetition', async () => {
    const sessions = Array.from({ length: 45 }, (_, i) => {
      const at = now - ((i * 7) % 45) * minute
      return entry([null, visit(at, 'ann')])
    })
    const goesOn = entry([
      visit(now, 'ann'),
      [...visit(now, 'ann').slice(0, 1), now + 2 * minute, ...visit(now, 'ann').slice(2)]
    ])
    await write(...sessions, goesOn, entry([null, visit(now, 'bob')]))
    const seen: { at: string; id: string }[] = []
    for (let next: string | null = ''; next !== null; ) {
      const page: { items: { at: string; id: string }[]; next: string | null } = await of(
        'ann',
        `?limit=20${next && `&before=${next}`}`
      )
      seen.push(...page.items)
      next = page.next
    }
    assert.equal(seen.length, 45)
    assert.deepEqual(new Set(seen.map(({ id }) => id)), new Set(sessions.map(({ stream }) => stream)))
    const times = seen.map(({ at }) => at)
    assert.deepEqual(times, times.toSorted().reverse())
    assert.equal((await of('bob')).items.length, 1)
    assert.deepEqual((await of('nobody')).items, [])
  })

  it('moves what a late event moves, and takes away what was deleted', async () => {
    const stream = randomUUID()
    const [late, early] = [visit(now - minute, 'cat'), visit(now - 30 * minute, 'cat')]
    await write(entry([null, late], { stream }), entry([late, [early, late]], { stream }))
    assert.equal((await of('cat')).items.length, 2)
    await write(entry([[early, late], early], { stream }))
    assert.deepEqual(
      (await of('cat')).items.map(({ at }: { at: string }) => Date.parse(at)),
      [now - 30 * minute]
    )
    await write(entry([early, null], { stream }))
    assert.deepEqual([(await of('cat')).items, (await of('cat')).unread], [[], 0])
  })

  it('counts what is unread by when it came, and what was read stays read', async () => {
    await write(...[1, 2, 3].map(n => entry([null, visit(now - n * minute, 'dan')])))
    const first = await of('dan')
    assert.equal(first.unread, 3)
    await write(entry([null, visit(now - 5 * minute, 'dan')]))
    assert.equal((await mark('dan', first.through)).unread, 1, 'what came after that answer was not read')
    const [, , , older] = (await of('dan')).items
    assert.equal(older!.unread, true, 'although it happened before the others')
    const { through } = await of('dan')
    assert.equal((await mark('dan', String(Number(through) + 1_000))).unread, 0)
    assert.equal((await mark('dan', '0')).unread, 0)
    await write(entry([null, visit(now, 'dan')]))
    assert.equal((await of('dan')).unread, 1)
  })

  it('tells what happened to the account, and nothing personal', async () => {
    users.tell('user.registered', 'eve', { plan: 'free', region: 'eu' }, now - 3 * minute)
    users.tell('user.plan-changed', 'eve', { from: 'free', to: 'pro' }, now - minute)
    users.tell('user.something-new', 'eve')
    await eventually(async () => assert.equal((await of('eve')).items.length, 2))
    const [changed] = (await of('eve')).items
    assert.deepEqual(
      [changed!.kind, changed!.detail, changed!.project],
      ['user.plan-changed', { from: 'free', to: 'pro' }, null]
    )
  })

  it('is empty for whoever was erased, for good', async () => {
    await write(entry([null, visit(now, 'fay')]))
    await mark('fay', (await of('fay')).through)
    users.tell('user.erased', 'fay')
    await eventually(async () => assert.equal((await of('fay')).items.length, 0))
    await write(entry([null, visit(now + minute, 'fay')]))
    await mark('fay', '5')
    for (const table of ['items', 'readers']) {
      const { rows } = await store.query(`select from feed.${table} where user_id = 'fay'`)
      assert.equal(rows.length, 0, table)
    }
  })

  it('keeps the newest 200 of a user, and nothing older than 90 days', async () => {
    const many = Array.from({ length: 260 }, (_, n) => entry([null, visit(now - n * minute, 'gus')]))
    await write(...many, entry([null, visit(now - 91 * day, 'gus')]), entry([null, visit(now - 89 * day, 'hal')]))
    while (!(await feed.sweep()));
    const { rows } = await store.query<{ n: number; first: Date }>(
      "select count(*) as n, min(at) as first from feed.items where user_id = 'gus'"
    )
    assert.deepEqual([rows[0]!.n, rows[0]!.first.getTime()], [200, now - 199 * minute])
    assert.equal((await of('hal')).items.length, 1)
    assert.equal((await of('gus')).unread, 200)
    assert.equal((await store.query("select from feed.items where user_id = 'cat'")).rows.length, 0)
  })

  it('is swept without going through the items of all users', async t => {
    await store.query(
      `insert into feed.items (user_id, at, id, project, kind, n)
       select 'user-' || n / 20, now(), gen_random_uuid(), 'shop', 'session.began', 1 from generate_series(1, 40000) n`
    )
    const asked = t.mock.method(store, 'query').mock
    await feed.sweep()
    // Its own of the five seconds may have come meanwhile.
    const statements = asked.calls
      .map(({ arguments: [sql, parameters = []] }) => [sql, parameters] as const)
      .filter(([sql]) => /^with (recursive met|items) as/.test(sql))
    asked.restore()
    assert.ok(statements.length >= 2)
    for (const [sql, parameters] of statements) {
      const explained = `explain (analyze, format json) ${sql}`
      const { rows } = await store.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(explained, parameters)
      // A hundred users of twenty items, some of which are met more than once; of all there are forty thousand.
      const met = rowsIn(rows[0]!['QUERY PLAN'][0].Plan)
      assert.ok(met < 10_000, `${met} rows: ${sql}`)
    }
  })

  it('is for the admin, documents its routes, and a bad question is a problem', async () => {
    assert.equal((await fetch(`${url}/v1/feed/ann`)).status, 401)
    for (const path of [
      '/v1/feed/ann?before=1',
      '/v1/feed/ann?limit=101',
      `/v1/feed/${'x'.repeat(201)}`,
      '/v1/feed/a%00b'
    ])
      assert.ok([400, 414].includes((await ask(path)).status), path)
    const { paths } = (await ask('/openapi.json')).body
    assert.deepEqual(Object.keys(paths).sort(), ['/v1/feed/{user}', '/v1/feed/{user}/read'])
    assert.deepEqual(
      Object.keys(paths['/v1/feed/{user}'].get.responses).filter(status => status === '503'),
      ['503']
    )
  })
})
