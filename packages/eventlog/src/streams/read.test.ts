import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Database } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import fc from 'fast-check'
import { type Cursor, start } from '../entry.ts'
import { CheckpointMovedError } from './errors.ts'
import { isAfter, type StreamEvent } from './event.ts'
import { EventStore } from './event-store.ts'

/** Each event's data is its number in the order in which it was written. */
let written = 0
const event = (type = 'happened') => ({ type, data: ++written })
const numbers = (events: readonly StreamEvent[]) => events.map(({ data }) => data as number)

/** What is committed may be above the horizon for a while: that of other databases on the server, too. */
async function settled(store: EventStore): Promise<void> {
  while ((await store.lag()).held > 0) await turn()
}

async function scratchStore(): Promise<EventStore & AsyncDisposable> {
  const database = await openScratch()
  await EventStore.migrate(database)
  const store = new EventStore({ database })
  return Object.assign(store, {
    async [Symbol.asyncDispose]() {
      await store.close()
      await database.close()
    }
  })
}

describe('reading', () => {
  let store: EventStore & AsyncDisposable
  before(async () => {
    store = await scratchStore()
    written = 0
    for (const [stream, type] of [
      ['order/1', 'placed'],
      ['order/2', 'placed'],
      ['orders', 'listed'],
      ['bank-account/7', 'opened'],
      ['order', 'numbered'],
      ['order/1', 'paid'],
      ['order/1', 'sent']
    ] as const) {
      await store.append(stream, [event(type)], { expected: 'any' })
    }
    await settled(store)
  })
  after(() => store[Symbol.asyncDispose]())
  const all = async (options: Parameters<EventStore['readAll']>[0] = {}) =>
    numbers(await Array.fromAsync(store.readAll(options)))
  const stream = async (options: Parameters<EventStore['readStream']>[1] = {}) =>
    numbers(await Array.fromAsync(store.readStream('order/1', options)))

  it('of one stream goes forward and backward, from a version to a version, in pages of any size', async () => {
    for (const batch of [1, 2, 3, 1_000]) {
      assert.deepEqual(await stream({ batch }), [1, 6, 7])
      assert.deepEqual(await stream({ batch, backward: true }), [7, 6, 1])
    }
    assert.deepEqual(
      [await stream({ from: 2 }), await stream({ to: 2 }), await stream({ from: 4 })],
      [[6, 7], [1, 6], []]
    )
    assert.deepEqual(await stream({ from: 1, to: 2, backward: true, batch: 1 }), [6, 1])
    assert.deepEqual(await Array.fromAsync(store.readStream('nothing')), [])
  })

  it('of everything goes forward and backward, from anywhere', async () => {
    for (const batch of [1, 2, 7, 1_000]) {
      assert.deepEqual(await all({ batch }), [1, 2, 3, 4, 5, 6, 7])
      assert.deepEqual(await all({ batch, backward: true }), [7, 6, 5, 4, 3, 2, 1])
    }
    const third = (await Array.fromAsync(store.readAll()))[2]!
    assert.deepEqual(await all({ from: third }), [4, 5, 6, 7])
    assert.deepEqual(await all({ from: third, backward: true }), [2, 1])
    assert.deepEqual(await all({ until: third }), [1, 2, 3])
    assert.deepEqual(await all({ until: third, backward: true }), [7, 6, 5, 4])
  })

  it('of a category takes what stands before the slash, whatever dashes are in it', async () => {
    for (const batch of [1, 2, 1_000]) {
      assert.deepEqual(await all({ category: 'order', batch }), [1, 2, 5, 6, 7])
      assert.deepEqual(await all({ category: 'order', batch, backward: true }), [7, 6, 5, 2, 1])
    }
    assert.deepEqual([await all({ category: 'bank-account' }), await all({ category: 'bank' })], [[4], []])
  })

  it('of some types, alone and with a category', async () => {
    assert.deepEqual(await all({ types: ['placed', 'listed'] }), [1, 2, 3])
    assert.deepEqual(await all({ types: ['placed', 'listed'], category: 'order' }), [1, 2])
    assert.deepEqual(await all({ types: [] }), [])
  })

  it('passes over what a filter leaves out, so that the next look begins behind it', async () => {
    const page = await store.readPage({ types: ['never'] })
    const last = (await Array.fromAsync(store.readAll({ backward: true, batch: 1 })))[0]!
    assert.deepEqual([page.events, page.cursor], [[], { xid: last.xid, position: last.position }])
  })

  it('refuses a page of no size', async () => {
    for (const batch of [0, 1.5, 10_001]) await assert.rejects(store.readPage({ batch }), RangeError)
  })
})

describe('time travel', () => {
  let store: EventStore & AsyncDisposable
  before(async () => {
    store = await scratchStore()
  })
  after(() => store[Symbol.asyncDispose]())

  it('gives a stream as it was at a version, and at each moment', async () => {
    written = 0
    for (let i = 0; i < 3; i++) await store.append('s', [event()], { expected: 'any' })
    await store.database.exec(
      "update events.events set recorded_at = '2026-01-01T00:00:00Z'::timestamptz + version * interval '1 second'"
    )
    const at = async (ms: number) =>
      numbers(await Array.fromAsync(store.readStream('s', { at: Date.UTC(2026, 0, 1) + ms })))
    assert.deepEqual(
      [await at(0), await at(1_000), await at(1_999), await at(2_000), await at(9_000)],
      [[], [1], [1], [1, 2], [1, 2, 3]]
    )
  })

  it('gives a stream up to the last event of the moment, though the clock went back between', async () => {
    await store.append('back', [event(), event(), event()], { expected: 'none' })
    await store.database.exec(
      `update events.events set recorded_at = '2026-01-01T00:00:00Z'::timestamptz + case version when 2 then 9 else version end
       * interval '1 second' where stream = 'back'`
    )
    const events = await Array.fromAsync(store.readStream('back', { at: Date.UTC(2026, 0, 1, 0, 0, 4) }))
    assert.deepEqual(
      events.map(({ version }) => version),
      [1, 2, 3]
    )
  })

  it('cuts the whole store where nothing later is in it, and no transaction is torn', async () => {
    await using other = await scratchStore()
    const transfer = fc.record({ from: fc.nat(2), to: fc.nat(2), second: fc.nat(30) })
    const transfers = fc.sample(transfer, 30)
    for (const [n, { from, to }] of transfers.entries()) {
      const parts = [...new Set([from, to])].map(account => ({
        stream: `account/${account}`,
        expected: 'any' as const,
        events: [{ type: 'moved', data: n }]
      }))
      await other.appendAll(parts)
    }
    // Recorded at any times, also against the order.
    const base = Date.UTC(2026, 0, 1)
    for (const [n, { second }] of transfers.entries()) {
      await other.database.query('update events.events set recorded_at = $2 where data = $1::jsonb', [
        n,
        new Date(base + second * 1_000)
      ])
    }
    await settled(other)
    for (let second = -1; second <= 31; second++) {
      const until = await other.cutAt(base + second * 1_000)
      const seen = new Set(numbers(await Array.fromAsync(other.readAll({ until }))))
      for (const n of seen) assert.ok(transfers[n]!.second <= second, 'nothing later')
      assert.deepEqual(
        [...seen],
        Array.from({ length: seen.size }, (_, i) => i),
        'whole from the beginning'
      )
      const next = transfers[seen.size]
      assert.ok(!next || next.second > second, 'and as far as that goes')
      const byStream = await Promise.all(
        [0, 1, 2].map(async account =>
          numbers(await Array.fromAsync(other.readStream(`account/${account}`, { until })))
        )
      )
      assert.deepEqual(new Set(byStream.flat()), seen, 'each stream at the same cut')
      for (const [n, { from, to }] of transfers.entries()) {
        if (seen.has(n)) assert.ok(byStream[from]!.includes(n) && byStream[to]!.includes(n), 'both sides or none')
      }
    }
    assert.deepEqual(await other.cutAt(base - 1), start)
    const now = await other.cutAt()
    assert.equal(
      (await Array.fromAsync(other.readAll({ until: now }))).length,
      (await Array.fromAsync(other.readAll())).length
    )
  })
})

describe('a subscription', () => {
  let store: EventStore & AsyncDisposable
  before(async () => {
    store = await scratchStore()
    written = 0
  })
  after(() => store[Symbol.asyncDispose]())

  it('catches up, then tells each event as it comes, of stores and of transactions, until it is cancelled', async () => {
    await store.append('s', [event(), event(), event()], { expected: 'any' })
    const cancel = new AbortController()
    const got: number[] = []
    const pages = store.subscribe({ batch: 2, pollMs: 60_000, signal: cancel.signal })
    const reading = (async () => {
      for await (const { events } of pages) got.push(...numbers(events))
    })()
    const until = async (count: number) => {
      while (got.length < count) await turn()
    }
    await until(3)
    await store.append('t', [event()], { expected: 'any' })
    await until(4)
    await store.database.transaction(async tx => void (await store.append('s', [event()], { expected: 'any', tx })))
    await until(5)
    cancel.abort()
    await reading
    assert.deepEqual(got, [1, 2, 3, 4, 5])
    await store.append('s', [event()], { expected: 'any' })
    assert.equal(got.length, 5)
  })

  it('from the end tells only what comes', async () => {
    await settled(store)
    const pages = store.subscribe({ from: 'end', pollMs: 5 })
    const first = pages.next()
    await turn()
    await new Promise(resolve => setImmediate(resolve))
    const { data } = { data: written + 1 }
    await store.cutAt()
    await store.append('s', [event()], { expected: 'any' })
    assert.deepEqual(numbers((await first).value!.events), [data])
    await pages.return(undefined)
  })

  it('reads no further than it is asked to: who is slow is not run over', async () => {
    let asked = 0
    const database: Database = Object.create(store.database, {
      query: {
        value: (sql: string, parameters: unknown[]) => {
          asked++
          return store.database.query(sql, parameters)
        }
      },
      listen: { value: store.database.listen.bind(store.database) }
    })
    const slow = new EventStore({ database })
    await slow.append(
      'many',
      Array.from({ length: 20 }, () => event()),
      { expected: 'any' }
    )
    await settled(slow)
    asked = 0
    const pages = slow.subscribe({ batch: 4 })
    assert.equal(asked, 0)
    for (const count of [1, 2, 3]) {
      assert.equal((await pages.next()).value!.events.length, 4)
      for (let i = 0; i < 20; i++) await turn()
      assert.equal(asked, count)
    }
    await pages.return(undefined)
    await slow.close()
  })

  it('ends at once when it is cancelled while it waits or before it began', async () => {
    await settled(store)
    const cancel = new AbortController()
    const pages = store.subscribe({ from: await store.cutAt(), pollMs: 60_000, signal: cancel.signal })
    const next = pages.next()
    for (let i = 0; i < 20; i++) await turn()
    cancel.abort()
    assert.equal((await next).done, true)
    assert.equal((await store.subscribe({ signal: cancel.signal }).next()).done, true)
  })
})

describe('a checkpoint', () => {
  let store: EventStore & AsyncDisposable
  before(async () => {
    store = await scratchStore()
  })
  after(() => store[Symbol.asyncDispose]())
  const at = (position: number): Cursor => ({ xid: '7', position })
  const move = (from: Cursor, to: Cursor) =>
    store.database.transaction(tx => store.moveCheckpoint(tx, { name: 'mail', from, to }))

  it('moves from where it was found, and only from there', async () => {
    assert.deepEqual(await store.checkpoint('mail'), start)
    await assert.rejects(move(at(1), at(2)), CheckpointMovedError)
    await move(start, at(1))
    await assert.rejects(move(start, at(9)), { code: 'PLIMSOLL_CHECKPOINT_MOVED' })
    await move(at(1), at(2))
    assert.deepEqual(await store.checkpoint('mail'), at(2))
  })

  it('lets one of many through, and with it what that one wrote', async () => {
    await store.database.exec('create table mails (n int)')
    const outcomes = await Promise.allSettled(
      Array.from({ length: 6 }, (_, n) =>
        store.database.transaction(async tx => {
          await tx.query('insert into mails values ($1)', [n])
          await store.moveCheckpoint(tx, { name: 'new', from: start, to: at(n + 1) })
        })
      )
    )
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
    const { rows } = await store.database.query<{ n: number }>('select n from mails')
    assert.deepEqual(
      rows.map(({ n }) => at(n + 1)),
      [await store.checkpoint('new')]
    )
  })

  it('is a place in the order, which goes by number', () => {
    const cursors = fc.record({ xid: fc.bigInt({ min: 0n, max: 2n ** 63n }).map(String), position: fc.nat() })
    fc.assert(
      fc.property(cursors, cursors, (a, b) => {
        const same = a.xid === b.xid && a.position === b.position
        return isAfter(a, b) !== isAfter(b, a) || same
      })
    )
    assert.ok(isAfter({ xid: '100', position: 1 }, { xid: '99', position: 2 }))
  })
})
