import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Database } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import { Keyring } from '../erasure/keyring.ts'
import { PoisonEventError, type ViewOptions } from '../views/options.ts'
import { View } from '../views/view.ts'
import { UnreadableEventError } from './errors.ts'
import { EventStore } from './event-store.ts'
import { settled, until } from './scratch-store.ts'

describe('an event that cannot be read', () => {
  let db: Database
  let before_: EventStore
  /** Its upcaster cannot take every event of the past, until it is mended. */
  let store: EventStore
  let mended = false
  before(async () => {
    db = await openScratch()
    await EventStore.migrate(db)
    before_ = new EventStore({ database: db })
    const upcaster = ({ n }: { n: number | null }) => {
      if (n === null && !mended) throw new Error('n is missing')
      return { n: n ?? 0, unit: 'EUR' }
    }
    store = new EventStore({ database: db, evolution: { upcasters: { paid: [upcaster] } } })
    await past('a/1', 1, null, 3)
    await past('a/2', 10)
    await past('a/1', 4)
    await settled(store)
  })
  after(async () => {
    await Promise.all([before_.close(), store.close()])
    await db.close()
  })
  const past = (stream: string, ...numbers: (number | null)[]) =>
    before_.append(
      stream,
      numbers.map(n => ({ type: 'paid', data: { n } })),
      { expected: 'any' }
    )

  it('is thrown, or told among the others, as the reader asked', async () => {
    await assert.rejects(store.readPage(), /n is missing/)
    const { events, caughtUp } = await store.readPage({ unreadable: 'tell' })
    assert.deepEqual(
      events.map(({ data, unreadable }) => unreadable?.code ?? (data as { n: number }).n),
      [1, 'PLIMSOLL_UNREADABLE_EVENT', 3, 10, 4]
    )
    const { unreadable, stream, version, data } = events[1]!
    assert.ok(unreadable instanceof UnreadableEventError && caughtUp)
    assert.match(unreadable.message, /version 2 of "a\/1", a "paid", cannot be read: Error: n is missing/)
    assert.deepEqual([stream, version, data], ['a/1', 2, undefined])
    const live = store.subscribe({ unreadable: 'tell' })
    assert.equal((await live.next()).value!.events.length, 5)
    await live.return(undefined)
  })

  it('may be one of a newer program, or one whose key does not fit', async () => {
    await EventStore.migrate(db, 'people')
    const personal = { named: { subject: () => 'user/1', fields: ['name'] } }
    const storeWith = (masterKey: string, upcasters = {}) =>
      new EventStore({
        database: db,
        schema: 'people',
        evolution: { upcasters },
        protection: {
          personal,
          keyring: new Keyring({ database: db, schema: 'people', masterKey: Buffer.alloc(32, masterKey) })
        }
      })
    const [right, wrong, newer] = [
      storeWith('right'),
      storeWith('wrong'),
      storeWith('right', { seen: [(d: null) => d] })
    ]
    await right.append('user/1', [{ type: 'named', data: { name: 'Ann' } }], { expected: 'any' })
    await newer.append('user/1', [{ type: 'seen', data: 1 }], { expected: 'any' })
    await right.append('user/1', [{ type: 'left', data: 2 }], { expected: 'any' })
    await settled(right)
    const told = async (by: EventStore) =>
      (await by.readPage({ unreadable: 'tell' })).events.map(({ type, unreadable }) => [type, unreadable !== undefined])
    assert.deepEqual(await told(right), [
      ['named', false],
      ['seen', true],
      ['left', false]
    ])
    assert.deepEqual(await told(wrong), [
      ['named', true],
      ['seen', true],
      ['left', false]
    ])
    await Promise.all([right, wrong, newer].map(each => each.close()))
  })

  it('does not excuse a database that cannot be asked', async () => {
    const protection = {
      personal: {},
      keyring: new Keyring({ database: db, schema: 'nowhere', masterKey: Buffer.alloc(32) })
    }
    await EventStore.migrate(db, 'sealed')
    const other = new EventStore({ database: db, schema: 'sealed', protection })
    await db.query(
      `insert into sealed.events (xid, stream, version, id, type, schema_version, recorded_at, data)
       values ('1', 's', 1, gen_random_uuid(), 't', 1, now(), '{"$sealed": "user/1", "v": ""}')`
    )
    await assert.rejects(other.readPage({ unreadable: 'tell' }), { code: '42P01' })
    await other.close()
  })

  const sums = (name: string, over: Partial<ViewOptions> = {}): ViewOptions => ({
    store,
    name,
    generation: 1,
    pollMs: 5,
    create: table => `create table ${table} (stream text primary key, sum int not null)`,
    applyAll: (tx, table, events) =>
      tx.query(
        `insert into ${table} as t select stream, sum(n) from unnest($1::text[], $2::int[]) e(stream, n) group by stream
         on conflict (stream) do update set sum = t.sum + excluded.sum`,
        [events.map(({ stream }) => stream), events.map(({ data }) => (data as { n: number }).n)]
      ),
    ...over
  })
  const rows = async (name: string) =>
    (await db.query<{ stream: string; sum: number }>(`select * from events.${name} order by 1`)).rows.map(row => [
      row.stream,
      row.sum
    ])

  it('stops a view before it, or is parked with its key behind it, until it can be read', async t => {
    mended = false
    const stopping = new View(sums('stopping'))
    stopping.start()
    await until(() => stopping.state.stopped !== undefined)
    assert.ok(stopping.state.stopped instanceof PoisonEventError)
    assert.match(stopping.state.stopped.message, /before version 2 of "a\/1".*n is missing/)
    assert.deepEqual(await rows('stopping'), [['a/1', 1]])

    const errors: unknown[] = []
    const parking = new View(
      sums('parking', {
        onPoison: 'park',
        onError: error => errors.push(error),
        keyOf: ({ data, stream }) => ((data as { n: number }).n > 0 ? stream : 'none')
      })
    )
    parking.start()
    t.after(() => parking.stop())
    await until(() => parking.state.applied === 5)
    assert.deepEqual(await rows('parking'), [
      ['a/1', 1],
      ['a/2', 10]
    ])
    assert.deepEqual(
      (await parking.parked()).map(({ key, error }) => [key, error === null]),
      [
        ['a/1', false],
        ['a/1', true],
        ['a/1', true]
      ]
    )
    assert.ok(errors.length === 1 && errors[0] instanceof PoisonEventError, 'told once')
    await assert.rejects(parking.retry('a/1'), /n is missing/)
    mended = true
    assert.equal(await parking.retry('a/1'), 3)
    assert.deepEqual(await rows('parking'), [
      ['a/1', 8],
      ['a/2', 10]
    ])
  })
})
