import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { Database } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import { isAfter } from '../streams/event.ts'
import { EventStore } from '../streams/event-store.ts'
import type { ReadAllOptions } from '../streams/read.ts'
import { until } from '../streams/scratch-store.ts'
import { PoisonEventError, type ViewOptions } from './options.ts'
import { View } from './view.ts'

describe('a new generation', () => {
  let db: Database
  let store: EventStore
  before(async () => {
    db = await openScratch()
    await EventStore.migrate(db)
    store = new EventStore({ database: db })
    await db.exec('create table outbox (name text, n int)')
  })
  after(async () => {
    await store.close()
    await db.close()
  })
  let written = 0
  const append = (category: string, count = 1) =>
    store.append(
      `${category}/1`,
      Array.from({ length: count }, () => ({ type: 'happened', data: ++written })),
      { expected: 'any' }
    )
  const numbers = (name: string, over: Partial<ViewOptions> = {}): ViewOptions => ({
    store,
    name,
    generation: 1,
    category: name,
    pollMs: 5,
    create: table => `create table ${table} (n int primary key)`,
    applyAll: (tx, table, events) =>
      tx.query(`insert into ${table} select * from unnest($1::int[])`, [events.map(({ data }) => data)]),
    effect: (tx, { data }) => tx.query('insert into outbox values ($1, $2)', [name, data]),
    ...over
  })
  const started = (t: TestContext, options: ViewOptions): View => {
    const view = new View(options)
    view.start()
    t.after(() => view.stop())
    return view
  }
  /**
   * The store, of which each look that reaches the live view is followed by more events, which that one has applied before
   * the look is answered: the two never stand at the same place.
   */
  const neverAtRest = (category: string, live: View, count: number) => {
    let looks = 0
    const busy: EventStore = Object.create(store, {
      readPage: {
        async value(options: ReadAllOptions) {
          const page = await store.readPage(options)
          looks++
          if (options.tx || !options.until || isAfter(options.until, page.cursor)) return page
          const applied = live.state.applied
          await append(category, count)
          await until(() => live.state.applied === applied + count)
          return page
        }
      }
    })
    return { busy, looks: () => looks }
  }

  for (const { title, count } of [
    { title: 'takes over though the live one moves with each of its looks', count: 1 },
    { title: 'takes over though it is each time some pages behind', count: 11 }
  ]) {
    it(title, async t => {
      const name = `busy${count}`
      const old = started(t, numbers(name))
      await until(() => old.state.live)
      await append(name, 5)
      await until(() => old.state.applied === 5)
      const { busy, looks } = neverAtRest(name, old, count)
      const next = started(t, numbers(name, { store: busy, generation: 2, batch: 4 }))
      await until(() => next.state.live || next.state.stopped !== undefined)
      assert.equal(next.state.stopped, undefined)
      const tries = looks()
      assert.ok(tries < 40, `${tries} looks`)
      const last = written
      await until(async () => (await db.query(`select from events.${name} where n = $1`, [last])).affected === 1)
      const { rows } = await db.query(
        `select count(*)::int as n, (select count(*)::int from outbox where name = $1) as effects,
           (select count(distinct n)::int from outbox where name = $1) as once from events.${name}`,
        [name]
      )
      const { n, effects, once } = rows[0] as { n: number; effects: number; once: number }
      assert.ok(effects === once && n - effects <= 5, `${n} rows, ${effects} effects: each once, none left out`)
    })
  }

  it('steps over nothing that it cannot take while it takes over', async t => {
    const old = started(t, numbers('poison'))
    await until(() => old.state.live)
    await append('poison', 3)
    await until(() => old.state.applied === 3)
    const { busy } = neverAtRest('poison', old, 1)
    const bad = written + 1
    const plain = numbers('poison')
    const next = started(t, {
      ...plain,
      store: busy,
      generation: 2,
      onPoison: 'park',
      async applyAll(tx, table, events) {
        if (events.some(({ data }) => data === bad)) throw new Error('no')
        await plain.applyAll!(tx, table, events)
      }
    })
    await until(() => next.state.live || next.state.stopped !== undefined)
    await until(async () => (await next.parked()).length > 0)
    assert.equal((await db.query('select from events.poison where n = $1', [bad])).affected, 0)
    const [first] = await next.parked()
    assert.match(first!.error!, /no/)
  })

  const parking = (t: TestContext, over: Partial<ViewOptions> & { name: string }, refuses: (n: number) => boolean) => {
    const plain = numbers(over.name)
    return started(t, {
      ...plain,
      onPoison: 'park',
      keyOf: ({ data }) => String(data),
      async applyAll(tx, table, events) {
        if (events.some(({ data }) => refuses(data as number))) throw new Error('no')
        await plain.applyAll!(tx, table, events)
      },
      ...over
    })
  }
  const effectsOf = async (name: string) =>
    (await db.query<{ n: number }>('select n from outbox where name = $1 order by n', [name])).rows.map(({ n }) => n)

  it('has the effects of what the former one parked, at once, or for what it parks too when that is retried', async t => {
    const name = 'owed'
    await append(name)
    const [history, parkedOnce, parkedTwice, fine] = [written, written + 1, written + 2, written + 3]
    const old = parking(t, { name }, n => n !== fine)
    await until(() => old.state.applied === 1)
    await append(name, 3)
    await until(() => old.state.applied === 4)
    assert.deepEqual(await effectsOf(name), [fine])
    let mended = false
    const next = parking(t, { name, generation: 2, batch: 1 }, n => n === parkedTwice && !mended)
    await until(() => next.state.live || next.state.stopped !== undefined)
    assert.equal(next.state.stopped, undefined)
    assert.deepEqual(await effectsOf(name), [parkedOnce, fine])
    mended = true
    assert.equal(await next.retry(String(parkedTwice)), 1)
    assert.deepEqual(await effectsOf(name), [parkedOnce, parkedTwice, fine])
    const { rows } = await db.query('select n from events.owed order by n')
    assert.deepEqual(
      rows.map(({ n }) => n),
      [history, parkedOnce, parkedTwice, fine]
    )
  })

  it('stops before it takes over when such an effect is refused, and says for which event', async t => {
    const name = 'owed_badly'
    const old = parking(t, { name }, () => true)
    await until(() => old.state.live)
    await append(name)
    await until(() => old.state.applied === 1)
    const next = parking(t, { name, generation: 2, effect: tx => tx.query('select 1 / 0') }, () => false)
    await until(() => next.state.live || next.state.stopped !== undefined)
    assert.ok(next.state.stopped instanceof PoisonEventError)
    assert.match(next.state.stopped.message, /version 1 of "owed_badly\/1".*division by zero/)
    assert.equal(next.state.live, false)
    assert.equal((await old.parked()).length, 1, 'the former one still has it')
  })

  if (!process.env.PLIMSOLL_DATABASE_URL) return

  it('waits for who still reads the old one, and keeps new readers waiting for a moment only', async t => {
    const old = started(t, numbers('read'))
    await append('read', 3)
    await until(() => old.state.applied === 3)
    const [reading, done] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const report = db.transaction(async tx => {
      await tx.query('select from events.read')
      reading.resolve()
      await done.promise
      return (await tx.query('select from events.read')).affected
    })
    await reading.promise
    const next = started(t, numbers('read', { generation: 2 }))
    await until(
      async () => (await db.query("select from pg_stat_activity where wait_event_type = 'Lock'")).affected > 0
    )
    assert.equal((await db.query('select from events.read')).affected, 3, 'a new reader gets through')
    assert.equal(next.state.live, false)
    done.resolve()
    assert.equal(await report, 3)
    await until(() => next.state.live)
    await until(async () => (await db.query("select from pg_class where relname = 'read_1'")).affected === 0)
  })
})
