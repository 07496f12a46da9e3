import { type Database, migrate, type Queryable, type Transaction } from '@plimsoll/database'
import type { UserMetadata } from './contract.ts'
import type { KnownUser } from './users/user-event.ts'

/** All SQL of metadata. */

/** What is rewritten over and over. */
export const rewrittenTables = ['metadata.users', 'metadata.followed']

/** Another follower moved the cursor: this one must not write what that one has written. */
export class FollowerMovedError extends Error {
  override readonly name = 'FollowerMovedError'
  readonly code = 'PLIMSOLL_FOLLOWER_MOVED'
  constructor() {
    super('another process followed the users as far; this one reads again where it is')
  }
}

export async function migrateMetadata(database: Database): Promise<void> {
  await migrate(database, 'metadata', new URL('./migrations/', import.meta.url))
}

interface Row {
  user_id: string
  version: number
  tier: string | null
  region: string | null
  flags: Record<string, boolean> | null
}

const knownUser = ({ version, tier, region, flags }: Row): KnownUser => ({
  version,
  metadata: tier === null ? null : { tier, region: region!, flags: flags! }
})

export async function findUsers(db: Queryable, userIds: readonly string[]): Promise<Map<string, KnownUser>> {
  const { rows } = await db.query<Row>(
    'select user_id, version, tier, region, flags from metadata.users where user_id = any($1)',
    [userIds]
  )
  return new Map(rows.map(row => [row.user_id, knownUser(row)]))
}

/** Up to so many users, and whether these are all. */
export async function loadUsers(
  db: Queryable,
  most: number
): Promise<{ users: Map<string, UserMetadata | null>; all: boolean }> {
  const { rows } = await db.query<Row>('select user_id, version, tier, region, flags from metadata.users limit $1', [
    most + 1
  ])
  return { users: new Map(rows.map(row => [row.user_id, knownUser(row).metadata])), all: rows.length <= most }
}

export async function writeUsers(tx: Transaction, users: ReadonlyMap<string, KnownUser>): Promise<void> {
  if (users.size === 0) return
  const rows = [...users].sort(([a], [b]) => (a < b ? -1 : 1))
  await tx.query(
    `insert into metadata.users (user_id, version, tier, region, flags)
     select u, v, t, r, f::jsonb from unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[]) x(u, v, t, r, f)
     on conflict (user_id) do update set version = excluded.version, tier = excluded.tier, region = excluded.region,
       flags = excluded.flags`,
    [
      rows.map(([id]) => id),
      rows.map(([, { version }]) => version),
      rows.map(([, { metadata }]) => metadata?.tier ?? null),
      rows.map(([, { metadata }]) => metadata?.region ?? null),
      rows.map(([, { metadata }]) => (metadata ? JSON.stringify(metadata.flags) : null))
    ]
  )
}

/** How far users were followed; undefined before the first page. */
export async function readCursor(db: Queryable): Promise<string | undefined> {
  const { rows } = await db.query<{ cursor: string }>('select cursor from metadata.followed')
  return rows[0]?.cursor
}

/** By compare-and-set. @throws FollowerMovedError */
export async function moveCursor(tx: Transaction, from: string | undefined, to: string): Promise<void> {
  const { affected } =
    from === undefined
      ? await tx.query('insert into metadata.followed (cursor) values ($1) on conflict do nothing', [to])
      : await tx.query('update metadata.followed set cursor = $2 where cursor = $1', [from, to])
  if (affected === 0) throw new FollowerMovedError()
}
