import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { Database } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import { EventStore } from '../streams/event-store.ts'
import { settled, until } from '../streams/scratch-store.ts'
import { ViewFencedError, ViewSupersededError } from './generation.ts'
import { PoisonEventError, type ViewOptions } from './options.ts'
import { View } from './view.ts'

describe('a view', () => {
  let db: Database
  let store: EventStore
  before(async () => {
    db = await openScratch()
    await EventStore.migrate(db)
    store = new EventStore({ database: db })
    await db.exec('create table outbox (name text, version int)')
  })
  after(async () => {
    await store.close()
    await db.close()
  })
  const happened = (n: number) => ({ type: 'happened', data: n })
  const append = (stream: string, ...numbers: number[]) =>
    store.append(stream, numbers.map(happened), { expected: 'any' })
  /** Counts and sums by stream; it would show an event that was applied twice. */
  const sums = (name: string, over: Partial<ViewOptions> = {}): ViewOptions => ({
    store,
    name,
    generation: 1,
    category: name,
    pollMs: 5,
    create: table => `create table ${table} (stream text primary key, n int not null, sum int not null)`,
    apply: (tx, table, { stream, data }) =>
      tx.query(
        `insert into ${table} as t values ($1, 1, $2) on conflict (stream) do update set n = t.n + 1, sum = t.sum + $2`,
        [stream, data]
      ),
    ...over
  })
  const started = (t: TestContext, options: ViewOptions): View => {
    const view = new View(options)
    view.start()
    t.after(() => view.stop())
    return view
  }
  const rows = async (name: string) =>
    (await db.query<{ n: number; sum: number }>(`select n, sum from events.${name} order by stream`)).rows
  const effects = async (name: string) =>
    (
      await db.query<{ version: number }>('select version from outbox where name = $1 order by version', [name])
    ).rows.map(row => row.version)
  const toOutbox: NonNullable<ViewOptions['effect']> = (tx, { stream, version }) =>
    tx.query('insert into outbox values ($1, $2)', [stream.split('/')[0], version])

  it('applies what was there and what comes, each once, and tells how far it is', async t => {
    await append('simple/1', 1, 2)
    const view = started(t, sums('simple', { batch: 1 }))
    await until(async () => view.state.live && (await rows('simple'))[0]?.n === 2)
    await append('simple/1', 3)
    await append('simple/2', 5)
    await until(() => view.state.applied === 4)
    await until(() => view.state.caughtUp)
    assert.deepEqual(await rows('simple'), [
      { n: 3, sum: 6 },
      { n: 1, sum: 5 }
    ])
    const { live, working, perSecond, secondsLeft, stopped } = await view.progress()
    assert.deepEqual([live, working, stopped], [true, true, undefined])
    assert.ok(perSecond > 0 && secondsLeft! >= 0)
  })

  it('has one worker of several; another takes over where it stopped', async t => {
    const [one, two] = [started(t, sums('shared')), started(t, sums('shared'))]
    await until(() => one.state.working || two.state.working)
    await append('shared/1', 1)
    await until(() => one.state.applied + two.state.applied === 1)
    assert.notEqual(one.state.working, two.state.working)
    const [first, second] = one.state.working ? [one, two] : [two, one]
    await first.stop()
    await append('shared/1', 2)
    await until(() => second.state.applied === 1)
    assert.deepEqual(await rows('shared'), [{ n: 2, sum: 3 }])
  })

  it('lets a worker whose lease ran out write nothing: its step is fenced and rolled back', async t => {
    const [paused, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const errors: unknown[] = []
    let reading = 0
    const slowStore: EventStore = Object.create(store, {
      readPage: {
        async value(options: object) {
          const page = await store.readPage(options)
          if (page.events.length > 0 && reading++ === 0) {
            paused.resolve()
            await goOn.promise
          }
          return page
        }
      }
    })
    const zombie = started(t, sums('fenced', { store: slowStore, onError: error => errors.push(error) }))
    await until(() => zombie.state.working)
    await append('fenced/1', 1)
    await paused.promise
    await db.exec(`update events.view_generations set leased_until = '-infinity' where name = 'fenced'`)
    const heir = started(t, sums('fenced'))
    await until(() => heir.state.applied === 1)
    goOn.resolve()
    await until(() => errors.length > 0)
    assert.ok(errors[0] instanceof ViewFencedError, String(errors[0]))
    assert.deepEqual([await rows('fenced'), zombie.state.applied], [[{ n: 1, sum: 1 }], 0])
  })

  it('is built anew beside the old one, which readers see until the new one is as far; effects happen once', async t => {
    await append('rebuilt/1', 1, 2, 3)
    await settled(store)
    const old = started(t, sums('rebuilt', { effect: toOutbox }))
    await until(() => old.state.applied === 3)
    await append('rebuilt/1', 4, 5)
    await until(() => old.state.applied === 5)
    assert.deepEqual(await effects('rebuilt'), [4, 5], 'none for what was there before the view')

    const gate = Promise.withResolvers<void>()
    const seen: number[] = []
    const building = started(
      t,
      sums('rebuilt', {
        generation: 2,
        batch: 1,
        effect: toOutbox,
        create: table => `create table ${table} (stream text primary key, n int not null, sum int not null, twice int)`,
        async apply(tx, table, { stream, data }) {
          if (data === 3) await gate.promise
          await tx.query(
            `insert into ${table} as t values ($1, 1, $2, 2 * $2) on conflict (stream)
             do update set n = t.n + 1, sum = t.sum + $2, twice = t.twice + 2 * $2`,
            [stream, data]
          )
        }
      })
    )
    await until(() => building.state.applied === 2)
    if (db.engine === 'postgres') {
      await append('rebuilt/1', 6)
      await until(() => old.state.applied === 6)
      assert.equal((await rows('rebuilt'))[0]!.n, 6, 'the old one goes on')
    }
    const before = db.engine === 'postgres' ? 6 : 5
    gate.resolve()
    while (!building.state.live) seen.push((await rows('rebuilt'))[0]!.n)
    assert.deepEqual(
      [...new Set(seen)].filter(n => n < before),
      [],
      'readers saw no half of one'
    )
    await append('rebuilt/1', 7)
    await until(async () => (await rows('rebuilt'))[0]!.n === before + 1)
    const { rows: now } = await db.query('select sum, twice from events.rebuilt')
    const sum = before === 6 ? 28 : 22
    assert.deepEqual(now, [{ sum, twice: 2 * sum }])
    assert.deepEqual(await effects('rebuilt'), before === 6 ? [4, 5, 6, 7] : [4, 5, 6])
    await until(() => old.state.stopped !== undefined)
    assert.ok(old.state.stopped instanceof ViewSupersededError, 'the old program ends')
    const late = started(t, sums('rebuilt'))
    await until(() => late.state.stopped instanceof ViewSupersededError)
    const { rows: tables } = await db.query("select to_regclass('events.rebuilt_1') as old")
    assert.deepEqual(tables, [{ old: null }])
  })

  const poisoned = (over: Partial<ViewOptions>, name: string, isPoison: (data: unknown) => boolean) => {
    const plain = sums(name, { effect: toOutbox, ...over })
    return {
      ...plain,
      async apply(...args: Parameters<NonNullable<ViewOptions['apply']>>) {
        if (isPoison(args[2].data)) await args[0].query('select 1 / 0')
        await plain.apply!(...args)
      }
    }
  }

  it('stops before an event that it cannot take, and says which', async t => {
    let mended = false
    const options = poisoned({}, 'stopping', data => data === 2 && !mended)
    const view = started(t, options)
    await append('stopping/1', 1, 2, 3)
    await until(() => view.state.stopped !== undefined)
    assert.ok(view.state.stopped instanceof PoisonEventError)
    assert.match(view.state.stopped.message, /version 2 of "stopping\/1", a "happened".*division by zero/)
    assert.deepEqual(await rows('stopping'), [{ n: 1, sum: 1 }])
    mended = true
    const next = started(t, options)
    await until(() => next.state.applied === 2)
    assert.deepEqual(await rows('stopping'), [{ n: 3, sum: 6 }])
  })

  it('or parks it and all of its key behind it, and goes on with the others, until it is retried in order', async t => {
    let mended = false
    const errors: unknown[] = []
    const options = { onPoison: 'park' as const, onError: (error: unknown) => errors.push(error) }
    const view = started(
      t,
      poisoned(options, 'parking', data => data === 2 && !mended)
    )
    await until(() => view.state.working)
    await append('parking/1', 1, 2, 3)
    await append('parking/2', 10)
    await append('parking/1', 4)
    await until(() => view.state.applied === 5)
    assert.deepEqual(await rows('parking'), [
      { n: 1, sum: 1 },
      { n: 1, sum: 10 }
    ])
    const parked = await view.parked()
    assert.deepEqual(
      parked.map(({ key, error }) => [key, error === null]),
      [
        ['parking/1', false],
        ['parking/1', true],
        ['parking/1', true]
      ]
    )
    assert.match(parked[0]!.error!, /division by zero/)
    assert.ok(errors[0] instanceof PoisonEventError, 'never in silence')
    await assert.rejects(view.retry('parking/1'), /division by zero/)
    assert.equal((await view.parked('parking/1')).length, 3)
    mended = true
    assert.equal(await view.retry('parking/1'), 3)
    await append('parking/1', 5)
    await until(() => view.state.applied === 6)
    assert.deepEqual(await rows('parking'), [
      { n: 5, sum: 15 },
      { n: 1, sum: 10 }
    ])
    assert.deepEqual(await view.parked(), [])
  })

  it('retries all that is parked of a key, however many pages that are', async t => {
    let mended = false
    const options = { onPoison: 'park' as const, batch: 2 }
    const view = started(
      t,
      poisoned(options, 'many', data => data === 1 && !mended)
    )
    await until(() => view.state.working)
    await append('many/1', 1, 2, 3, 4, 5)
    await append('many/2', 10)
    await until(() => view.state.applied === 6)
    assert.equal((await view.parked('many/1')).length, 5)
    mended = true
    assert.equal(await view.retry('many/1'), 5)
    assert.deepEqual(await view.parked(), [])
    assert.deepEqual(await rows('many'), [
      { n: 5, sum: 15 },
      { n: 1, sum: 10 }
    ])
  })

  it('refuses settings that cannot work', () => {
    for (const over of [{ name: 'A b' }, { generation: 0 }, { batch: 0 }, { leaseMs: 0 }]) {
      assert.throws(() => new View(sums('fine', over)), RangeError)
    }
  })
})
