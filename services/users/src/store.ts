import { createHmac } from 'node:crypto'
import { type Database, migrate, type Queryable, type Transaction } from '@plimsoll/database'
import { EventStore, Keyring } from '@plimsoll/eventlog'
import { migrateIdempotency } from '@plimsoll/idempotency/postgres'
import type { ErasureAnswer, ScanAnswer } from './contract.ts'
import { evolution, personal } from './user/events.ts'

/** All SQL of users, and the store of their events. */

export const schema = 'users'

/** What is rewritten over and over, and small. */
export const rewrittenTables = ['users.streams', 'users.snapshots', 'users.subject_keys', 'idempotency.records']

/** The stored personal data was sealed with another master key: with this one nothing of it can be read. */
export class WrongMasterKeyError extends Error {
  override readonly name = 'WrongMasterKeyError'
  readonly code = 'PLIMSOLL_WRONG_MASTER_KEY'
  constructor() {
    super('the personal data in this database was sealed with another master key; bring that one back')
  }
}

export interface UserStore {
  events: EventStore
  keyring: Keyring
}

/** @throws WrongMasterKeyError */
export async function openUserStore(database: Database, masterKey: Uint8Array): Promise<UserStore> {
  await EventStore.migrate(database, schema)
  await migrate(database, 'users', new URL('./migrations/', import.meta.url))
  await migrateIdempotency(database)
  await checkMasterKey(database, masterKey)
  const keyring = new Keyring({ database, schema, masterKey })
  return { keyring, events: new EventStore({ database, schema, evolution, protection: { keyring, personal } }) }
}

async function checkMasterKey(database: Database, masterKey: Uint8Array): Promise<void> {
  const sign = createHmac('sha256', masterKey).update('users: the sign of the master key').digest()
  const kept = async () => (await database.query<{ sign: Buffer }>('select sign from users.master_key')).rows[0]?.sign
  let first = await kept()
  if (!first) {
    await database.query('insert into users.master_key (sign) values ($1) on conflict do nothing', [sign])
    first = await kept()
  }
  if (!sign.equals(first!)) throw new WrongMasterKeyError()
}

/**
 * Forgets the answers that are kept for this user's Idempotency-Keys: with each is a digest of its request, from which an
 * address could be guessed.
 */
export async function forgetAnswers(tx: Transaction, tenant: string, userId: string): Promise<void> {
  await tx.query(
    `delete from idempotency.records
     where tenant = $1 and case when tenant = $1 and status = 201 then convert_from(body, 'UTF8')::jsonb ->> 'id' end = $2`,
    [tenant, userId]
  )
}

export async function beginErasure(tx: Transaction, userId: string): Promise<void> {
  await tx.query('insert into users.erasures (user_id, erased_at) values ($1, now()) on conflict do nothing', [userId])
}

export async function keepScan(db: Queryable, userId: string, scan: ScanAnswer): Promise<void> {
  await db.query('update users.erasures set scanned_at = now(), scan = $2 where user_id = $1', [userId, scan])
}

export async function readErasure(db: Queryable, userId: string): Promise<Omit<ErasureAnswer, 'version'> | undefined> {
  const { rows } = await db.query<{ erased_at: Date; scanned_at: Date | null; scan: ScanAnswer | null }>(
    'select erased_at, scanned_at, scan from users.erasures where user_id = $1',
    [userId]
  )
  const row = rows[0]
  return (
    row && {
      id: userId,
      erasedAt: row.erased_at.toISOString(),
      scannedAt: row.scanned_at?.toISOString() ?? null,
      scan: row.scan
    }
  )
}
