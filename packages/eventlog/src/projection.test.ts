import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import type { Database, Transaction } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import type { LogEntry } from './entry.ts'
import { append, migrateLog } from './log.ts'
import { applyInTransaction, CursorMovedError, Projection } from './projection.ts'

describe('a projection', () => {
  let log: Database
  let store: Database
  before(async () => {
    ;[log, store] = await Promise.all([openScratch(), openScratch()])
    await Promise.all([migrateLog(log), Projection.migrate(store)])
    await store.exec('create table seen (projection text, id uuid)')
  })
  after(() => Promise.all([log.close(), store.close()]))

  const write = (n: number) =>
    log.transaction(tx =>
      append(
        tx,
        Array.from({ length: n }, () => ({
          tenant: 't',
          id: randomUUID(),
          type: 'x',
          time: 0,
          stream: null,
          subject: null,
          digest: '0',
          data: null,
          change: null
        }))
      )
    )
  const recorder = (name: string) => async (tx: Transaction, entries: readonly LogEntry[]) => {
    await tx.query('insert into seen select $1, unnest($2::uuid[])', [name, entries.map(e => e.id)])
  }
  const seen = async (name: string) => {
    const { rows } = await store.query<{ n: number; d: number }>(
      'select count(*) as n, count(distinct id) as d from seen where projection = $1',
      [name]
    )
    return rows[0]!
  }
  const total = async () => (await log.query<{ n: number }>('select count(*) as n from eventlog.entries')).rows[0]!.n

  it('applies every entry once, whatever fails on the way', async () => {
    const apply = recorder('flaky')
    let rounds = 0
    const errors: unknown[] = []
    const projection = new Projection({
      name: 'flaky',
      log,
      store,
      batch: 7,
      paceMs: 0,
      onError: error => errors.push(error),
      advance: applyInTransaction(store, async (tx, entries) => {
        await apply(tx, entries)
        // After the change and before the cursor: the worst place.
        if (++rounds === 2) throw new Error('the world failed')
      })
    })
    await write(20)
    projection.start()
    await write(10)
    await projection.settled()
    assert.deepEqual(await seen('flaky'), { n: 30, d: 30 })
    assert.equal(errors.length, 1)
    assert.equal(projection.state.caughtUp, true)
    assert.equal(projection.state.lagMs, 0)
    await projection.stop()
    await write(5)
    const again = new Projection({ name: 'flaky', log, store, advance: applyInTransaction(store, apply) })
    again.start()
    await again.settled()
    assert.deepEqual(await seen('flaky'), { n: 35, d: 35 }, 'a new process goes on where the cursor stands')
    await again.stop()
  })

  it('cannot be run twice at once: the loser writes nothing', async () => {
    const errors: unknown[] = []
    const options = {
      name: 'twice',
      log,
      store,
      batch: 5,
      paceMs: 0,
      onError: (e: unknown) => errors.push(e),
      advance: applyInTransaction(store, recorder('twice'))
    }
    const pair = [new Projection(options), new Projection(options)]
    for (const projection of pair) projection.start()
    await write(40)
    await Promise.all(pair.map(projection => projection.settled()))
    const all = await total()
    assert.deepEqual(await seen('twice'), { n: all, d: all })
    assert.ok(errors.every(error => error instanceof CursorMovedError))
    await Promise.all(pair.map(projection => projection.stop()))
  })

  it('says how far behind it is while the store refuses', async () => {
    let now = 1_000_000
    let failed!: () => void
    const failure = new Promise<void>(resolve => {
      failed = resolve
    })
    const projection = new Projection({
      name: 'stuck',
      log,
      store,
      now: () => now,
      onError: () => failed(),
      advance: () => Promise.reject(new Error('no'))
    })
    projection.start()
    await failure
    now += 60_000
    assert.ok(projection.state.failures > 0)
    assert.equal(projection.state.caughtUp, false)
    assert.equal(projection.state.lagMs, 60_000, 'it knows of no time before its own')
    assert.equal(projection.state.error, 'no')
    await projection.stop()
  })

  it('says how far behind it is in the middle of a step that takes long', async () => {
    const time = { ahead: 0 }
    const begun = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    const advance = async () => {
      begun.resolve()
      await release.promise
    }
    const now = () => Date.now() + time.ahead
    const projection = new Projection({ name: 'long', log, store, now, batch: 1_000_000, advance })
    await write(1)
    projection.start()
    await begun.promise
    time.ahead = 60_000
    assert.equal(projection.state.caughtUp, false)
    assert.ok(projection.state.lagMs >= 59_000, `${projection.state.lagMs} ms`)
    release.resolve()
    await projection.settled()
    assert.deepEqual([projection.state.caughtUp, projection.state.lagMs], [true, 0])
    await projection.stop()
  })
})
