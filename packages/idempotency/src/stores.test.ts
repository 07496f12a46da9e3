import type { Transaction } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import { memoryStore } from './adapters/memory.ts'
import { migrateIdempotency, postgresStore } from './adapters/postgres.ts'
import { idempotencyConformance, type StoreUnderTest } from './conformance.ts'

idempotencyConformance('memory', { atomic: false, sweeps: true }, async now => {
  const made: string[] = []
  return {
    store: memoryStore({ now }),
    change: async (_tx, name) => void made.push(name),
    changes: async name => made.filter(each => each === name).length,
    close: async () => undefined
  }
})

idempotencyConformance(
  process.env.PLIMSOLL_DATABASE_URL ? 'PostgreSQL server' : 'embedded',
  { atomic: true, sweeps: true },
  async (now): Promise<StoreUnderTest<Transaction>> => {
    const db = await openScratch()
    await migrateIdempotency(db)
    await db.exec('create table changes (name text not null)')
    return {
      store: postgresStore(db, { now }),
      change: async (tx, name) => void (await tx.query('insert into changes values ($1)', [name])),
      changes: async name =>
        (await db.query<{ n: number }>('select count(*) as n from changes where name = $1', [name])).rows[0]!.n,
      close: () => db.close()
    }
  }
)
