import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Database, Transaction } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import fc from 'fast-check'
import { memoryStore } from './adapters/memory.ts'
import { migrateIdempotency, postgresStore } from './adapters/postgres.ts'
import type { Answer } from './answer.ts'
import { LeaseLostError } from './errors.ts'
import type { IdempotencyStore, Lease } from './store.ts'

/**
 * Any order of callers, crashes and late owners. A caller who started and is never settled has crashed; one who is settled
 * after another took over is a zombie. However it goes, one effect and one answer.
 */
type Step = { does: 'arrive' } | { does: 'settle' | 'renew' | 'release'; owner: number } | { does: 'wait'; ms: number }

const owner = fc.nat(5)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Step>({ does: 'arrive' }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('settle' as const), owner }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constantFrom('renew' as const, 'release' as const), owner }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('wait' as const), ms: fc.constantFrom(1, 500, 1_000) }) }
)

interface World<Tx> {
  store: IdempotencyStore<Tx>
  change(tx: Tx, key: string, who: string): Promise<void>
  /** Who changed something, to be seen by all. */
  changes(key: string): Promise<string[]>
}

async function play<Tx>(world: World<Tx>, key: string, steps: readonly Step[], wait: (ms: number) => void) {
  const { store } = world
  const claim = { tenant: 't', route: '/r', key, fingerprint: 'v1:a', leaseMs: 1_000, ttlMs: 1e9 }
  const owners: Lease[] = []
  const settled: string[] = []
  const replies: string[] = []

  const arrive = async () => {
    const reservation = await store.reserve(claim)
    if (reservation.kind === 'started') {
      for (const { fence } of owners) assert.ok(reservation.lease.fence > fence, 'fences go up')
      owners.push(reservation.lease)
    } else if (reservation.kind === 'replay') replies.push(reservation.answer.body.toString())
    else assert.equal(reservation.kind, 'in-flight')
  }
  const settle = async (lease: Lease) => {
    const who = `owner ${lease.fence}`
    const answer: Answer = { status: 200, headers: {}, body: Buffer.from(who) }
    const work = async (tx: Tx) => {
      await world.change(tx, key, who)
      return answer
    }
    try {
      await store.settle(lease, 1e9, work)
      settled.push(who)
    } catch (error) {
      assert.ok(error instanceof LeaseLostError)
    }
  }

  for (const each of steps) {
    if (each.does === 'arrive') await arrive()
    else if (each.does === 'wait') wait(each.ms)
    else {
      const lease = owners[each.owner]
      if (lease === undefined) continue
      if (each.does === 'settle') await settle(lease)
      else if (each.does === 'renew') await store.renew(lease, 1_000)
      else await store.release(lease)
    }
  }
  // Whatever happened, the client who goes on trying gets through after one lease.
  wait(1_000)
  const before = owners.length
  await arrive()
  if (owners.length > before) await settle(owners.at(-1)!)
  for (const lease of owners) await settle(lease)
  await arrive()

  assert.equal(settled.length, 1, 'one owner settles')
  assert.deepEqual(new Set(replies), new Set(settled), 'all get its answer')
  if (store.atomic) assert.deepEqual(await world.changes(key), settled, 'and its change is the only one')
}

describe('any interleaving has one effect and one answer', () => {
  let db: Database
  let time = Date.UTC(2026, 0, 1)
  let keys = 0
  const wait = (ms: number) => {
    time += ms
  }
  before(async () => {
    db = await openScratch()
    await migrateIdempotency(db)
    await db.exec('create table changes (key text not null, who text not null)')
  })
  after(() => db.close())

  const steps = fc.array(step, { maxLength: 25 })

  test('in the database', async () => {
    const world: World<Transaction> = {
      store: postgresStore(db, { now: () => time }),
      change: async (tx, key, who) => void (await tx.query('insert into changes values ($1, $2)', [key, who])),
      changes: async key =>
        (await db.query<{ who: string }>('select who from changes where key = $1', [key])).rows.map(({ who }) => who)
    }
    await fc.assert(
      fc.asyncProperty(steps, each => play(world, `db-${++keys}`, each, wait)),
      { numRuns: 100 }
    )
  })

  test('in memory, where a zombie is refused but what it did stays', async () => {
    const world: World<undefined> = {
      store: memoryStore({ now: () => time }),
      change: async () => undefined,
      changes: async () => []
    }
    await fc.assert(
      fc.asyncProperty(steps, each => play(world, `memory-${++keys}`, each, wait)),
      { numRuns: 2_000 }
    )
  })

  // Embedded there is one connection, and nobody can come while a transaction is open.
  if (process.env.PLIMSOLL_DATABASE_URL) {
    test('a zombie inside its transaction is refused at its end, and rolled back', async () => {
      const store = postgresStore(db, { now: () => time })
      const claim = { tenant: 't', route: '/r', key: `z-${++keys}`, fingerprint: 'v1:a', leaseMs: 1_000, ttlMs: 1e9 }
      const answer: Answer = { status: 200, headers: {}, body: Buffer.from('x') }
      const first = await store.reserve(claim)
      assert.ok(first.kind === 'started')
      const change = (tx: Transaction, who: string) => tx.query('insert into changes values ($1, $2)', [claim.key, who])
      const late = store.settle(first.lease, 1e9, async tx => {
        await change(tx, 'zombie')
        wait(1_000)
        const next = await store.reserve(claim)
        assert.ok(next.kind === 'started')
        await store.settle(next.lease, 1e9, async inner => {
          await change(inner, 'next')
          return answer
        })
        return answer
      })
      await assert.rejects(late, LeaseLostError)
      const { rows } = await db.query('select who from changes where key = $1', [claim.key])
      assert.deepEqual(rows, [{ who: 'next' }])
    })
  }
})
