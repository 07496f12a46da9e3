import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { type Database, isTransient, open, type Transaction } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import fc from 'fast-check'
import { type Cursor, start } from '../entry.ts'
import { StreamFencedError } from './errors.ts'
import type { NewEvent } from './event.ts'
import { EventStore } from './event-store.ts'

const event = (n: number): NewEvent => ({ type: 'happened', data: n })

/** Waits until nothing is held back: on a server the horizon is that of every database, other tests' too. */
async function readToEnd(
  store: EventStore,
  from: Cursor
): Promise<{ stream: string; version: number; data: unknown }[]> {
  const found = []
  for (let cursor = from; ; ) {
    const page = await store.readPage({ from: cursor })
    found.push(...page.events)
    cursor = page.cursor
    if (page.caughtUp) return found.map(({ stream, version, data }) => ({ stream, version, data }))
    await turn()
  }
}

describe('the global order', () => {
  let db: Database & { url: string }
  let store: EventStore
  before(async () => {
    db = await openScratch()
    await EventStore.migrate(db)
    store = new EventStore({ database: db })
  })
  after(async () => {
    await store.close()
    await db.close()
  })
  const end = async (): Promise<Cursor> => {
    while ((await store.lag()).held > 0) await turn()
    return store.cutAt()
  }

  it('is that of commits where one writes, whole transactions in a row', async () => {
    const from = await end()
    await store.append('a', [event(1), event(2)], { expected: 'any' })
    await db.transaction(async tx => {
      await store.append('b', [event(3)], { expected: 'any', tx })
      await store.append('a', [event(4)], { expected: 'any', tx })
    })
    assert.deepEqual(
      (await readToEnd(store, from)).map(({ data }) => data),
      [1, 2, 3, 4]
    )
  })

  it('goes by the number of the transaction, not by its digits', async () => {
    const other = await openScratch()
    await EventStore.migrate(other)
    const old = new EventStore({ database: other })
    for (const xid of [100, 9, 99, 10]) {
      await other.query(
        `insert into events.events (xid, stream, version, id, type, schema_version, recorded_at, data)
         values ($1::text::xid8, $2, 1, gen_random_uuid(), 't', 1, now(), 'null')`,
        [xid, String(xid)]
      )
    }
    const order = ['9', '10', '99', '100']
    const streams = (events: { stream: string }[]) => events.map(({ stream }) => stream)
    assert.deepEqual(streams(await readToEnd(old, start)), order)
    assert.deepEqual(streams(await Array.fromAsync(old.readAll({ backward: true, batch: 1 }))), order.toReversed())
    await old.close()
    await other.close()
  })

  if (!process.env.PLIMSOLL_DATABASE_URL) return

  /** A transaction that has its number, and waits to be told what to do. */
  async function begun(work: (tx: Transaction) => Promise<void>): Promise<{ finish(): Promise<void> }> {
    const [number, told] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const over = db.transaction(async tx => {
      await tx.query('select pg_current_xact_id()')
      number.resolve()
      await told.promise
      await work(tx)
    })
    over.catch(() => undefined)
    await number.promise
    return {
      finish() {
        told.resolve()
        return over
      }
    }
  }

  it('never skips a late committer: what is behind a slower transaction waits for it', async () => {
    const from = await end()
    const slow = await begun(async tx => void (await store.append('slow', [event(1)], { expected: 'none', tx })))
    await store.append('quick', [event(2)], { expected: 'none' })
    const meanwhile = await store.readPage({ from })
    await slow.finish()
    assert.deepEqual([meanwhile.events, meanwhile.caughtUp], [[], false], 'committed, and above the horizon')
    assert.deepEqual(
      (await readToEnd(store, from)).map(({ stream }) => stream),
      ['slow', 'quick']
    )
  })

  it('never inverts a stream: who has an older number than the last append is sent to begin again', async () => {
    const from = await end()
    const appendTwo = async (tx: Transaction) =>
      void (await store.append('fenced', [event(2)], { expected: 'any', tx }))
    const first = await begun(appendTwo)
    await store.append('fenced', [event(1)], { expected: 'any' })
    await assert.rejects(first.finish(), error => error instanceof StreamFencedError && isTransient(error))
    await db.transaction(appendTwo)
    assert.deepEqual(await readToEnd(store, from), [
      { stream: 'fenced', version: 1, data: 1 },
      { stream: 'fenced', version: 2, data: 2 }
    ])
  })

  it('lets a transaction append twice to one stream, and an older one to another stream', async () => {
    const first = await begun(async tx => {
      await store.append('its-own', [event(1)], { expected: 'none', tx })
      await store.append('its-own', [event(2)], { expected: 1, tx })
    })
    await store.append('elsewhere', [event(1)], { expected: 'none' })
    await first.finish()
    assert.equal((await Array.fromAsync(store.readStream('its-own'))).length, 2)
  })

  it('loses nothing and inverts nothing, whoever writes at once', async () => {
    const from = await end()
    const stores = Array.from({ length: 3 }, () => new EventStore({ database: db, committers: 3 }))
    const seen: { stream: string; version: number }[] = []
    const writing = new AbortController()
    const reader = (async () => {
      for await (const page of store.subscribe({ from, signal: writing.signal, batch: 7, pollMs: 5 })) {
        seen.push(...page.events)
      }
    })()
    const streams = ['s', 't', 'u']
    const plan = fc.sample(
      fc.array(fc.record({ stream: fc.constantFrom(...streams), own: fc.boolean() }), { minLength: 60, maxLength: 60 }),
      1
    )[0]!
    let written = 0
    const again = async (work: () => Promise<unknown>): Promise<void> => {
      for (;;) {
        try {
          await work()
          written++
          return
        } catch (error) {
          if (!isTransient(error)) throw error
        }
      }
    }
    await Promise.all(
      plan.map(({ stream, own }, i) =>
        again(() =>
          own
            ? db.transaction(async tx => {
                if (i % 2 === 0) await tx.query('select pg_current_xact_id()')
                await store.append(stream, [event(i)], { expected: 'any', tx })
              })
            : stores[i % 3]!.append(stream, [event(i)], { expected: 'any' })
        )
      )
    )
    await readToEnd(store, from)
    while (seen.length < written) await turn()
    writing.abort()
    await reader
    await Promise.all(stores.map(each => each.close()))
    for (const stream of streams) {
      const versions = seen.filter(one => one.stream === stream).map(({ version }) => version)
      const first = versions[0] ?? 1
      assert.deepEqual(
        versions,
        versions.map((_, i) => first + i),
        `${stream} in its order, without a gap`
      )
    }
    assert.equal(seen.length, written)
  })

  it('names who holds the horizon back: process, query and age', async () => {
    const from = await end()
    const other = await open(db.url, { poolSize: 1 })
    const [asked, done] = [Promise.withResolvers<number>(), Promise.withResolvers<void>()]
    const holding = other.transaction(async tx => {
      const { rows } = await tx.query<{ pid: number }>(
        'select pg_current_xact_id(), pg_backend_pid() as pid, 42 as why'
      )
      asked.resolve(rows[0]!.pid)
      await done.promise
    })
    const pid = await asked.promise
    await store.append('held', [event(1), event(2)], { expected: 'any' })
    let lag = await store.lag(from)
    // Of several the oldest is named, and another test's may be older: it ends.
    while (lag.holder?.pid !== pid) lag = await store.lag(from)
    done.resolve()
    await holding
    assert.deepEqual([lag.readable, lag.held], [0, 2])
    assert.equal(lag.holder?.pid, pid)
    assert.match(lag.holder.query!, /42 as why/)
    assert.equal(lag.holder.state, 'idle in transaction')
    assert.ok(lag.holder.ageMs! >= 0 && lag.ageMs >= 0)
    let after = await store.lag(from)
    while (after.held > 0) after = await store.lag(from)
    assert.deepEqual([after.readable, after.holder], [2, null])
    await other.close()
  })
})
