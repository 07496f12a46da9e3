import { type CopyType, copyRows, type Database, migrate, type Queryable, type Transaction } from '@plimsoll/database'
import type { LogEntry } from '@plimsoll/eventlog'
import { LogSubscriber } from '@plimsoll/pubsub/bulk'
import { type Row, rowsOf } from './activity.ts'

/** All SQL of the feed. */

export const cursorName = 'feed'
export const rewrittenTables = ['feed.readers', 'feed.users_cursor']

export async function migrateFeed(store: Database): Promise<void> {
  await LogSubscriber.migrate(store)
  await migrate(store, 'feed', new URL('./migrations/', import.meta.url))
}

/** Another process follows the users too, and was quicker. */
export class FollowerMovedError extends Error {
  override readonly name = 'FollowerMovedError'
  readonly code = 'PLIMSOLL_FEED_FOLLOWER_MOVED'
  constructor() {
    super('the cursor in what happened to users was moved by another process')
  }
}

export async function addActivity(tx: Transaction, entries: readonly LogEntry[]): Promise<void> {
  await addRows(tx, entries.flatMap(rowsOf))
}

const columns = ['user_id', 'at', 'id', 'project', 'kind', 'detail', 'n']
const types: CopyType[] = ['text', 'timestamptz', 'uuid', 'text', 'text', 'jsonb', 'int2']

/** Nothing is kept of who is gone, whatever still comes of them. */
async function addRows(tx: Queryable, rows: readonly Row[]): Promise<void> {
  if (rows.length === 0) return
  // Who goes just now waits for this, or this for them.
  const [, { rows: gone }] = await Promise.all([
    tx.query('select from feed.users_cursor for share'),
    tx.query<{ id: string }>('select user_id as id from feed.gone where user_id = any($1::text[])', [
      [...new Set(rows.map(({ userId }) => userId))]
    ])
  ])
  const away = new Set(gone.map(({ id }) => id))
  const kept = rows.filter(({ userId }) => !away.has(userId))
  if (kept.length === 0) return
  const values = kept.map(({ userId, at, id, project, kind, detail, n }) => [userId, at, id, project, kind, detail, n])
  await tx.copyIn('feed.items', columns, copyRows(types, values))
}

export async function readUsersCursor(db: Queryable): Promise<string | undefined> {
  const { rows } = await db.query<{ cursor: string | null }>('select cursor from feed.users_cursor')
  return rows[0]?.cursor ?? undefined
}

/** A page of what happened to users, and the cursor behind it, in one transaction. @throws FollowerMovedError */
export async function addUserEvents(
  store: Database,
  move: { from: string | undefined; to: string },
  events: readonly { gone?: string; row?: Row }[]
): Promise<void> {
  await store.transaction(async tx => {
    const { affected } = await tx.query(
      'update feed.users_cursor set cursor = $2 where cursor is not distinct from $1::text',
      [move.from ?? null, move.to]
    )
    if (affected !== 1) throw new FollowerMovedError()
    const gone = events.flatMap(event => event.gone ?? [])
    if (gone.length > 0) {
      await tx.query('insert into feed.gone select distinct unnest($1::text[]) on conflict do nothing', [gone])
      await tx.query('delete from feed.items where user_id = any($1::text[])', [gone])
      await tx.query('delete from feed.readers where user_id = any($1::text[])', [gone])
    }
    await addRows(
      tx,
      events.flatMap(event => event.row ?? [])
    )
  })
}

export interface Item {
  at: number
  id: string
  project: string | null
  kind: string
  detail: Record<string, unknown> | null
  arrived: number
}

export interface Place {
  at: number
  id: string
}

/** The newest of a user's items that are older than `before`, and not older than `since`. */
export async function readItems(
  db: Queryable,
  userId: string,
  { before, since, limit }: { before: Place | undefined; since: number; limit: number }
): Promise<Item[]> {
  const { rows } = await db.query<Item>(
    `select (extract(epoch from at) * 1000)::bigint as at, id::text as id, project, kind, detail, max(arrived) as arrived
     from feed.items i where user_id = $1 and at >= $2 and ($3::timestamptz is null or (i.at, i.id) < ($3, $4::uuid))
     group by i.at, i.id, project, kind, detail having sum(n) > 0
     order by i.at desc, i.id desc, project desc limit $5`,
    [userId, new Date(since), before ? new Date(before.at) : null, before?.id ?? null, limit]
  )
  return rows
}

export interface ReadState {
  /** What has been read: everything that came up to here. */
  through: number
  /** The last that came. */
  last: number
  /** Counted up to `most`. */
  unread: number
}

export async function readState(db: Queryable, userId: string, since: number, most: number): Promise<ReadState> {
  const { rows } = await db.query<ReadState>(
    `with r as (select coalesce((select through from feed.readers where user_id = $1), 0) as through),
       shown as (select max(arrived) as arrived from feed.items where user_id = $1 and at >= $2
         group by at, id, project, kind, detail having sum(n) > 0)
     select r.through, coalesce((select max(arrived) from shown), 0) as last,
       (select count(*) from (select from shown where arrived > r.through limit $3) u)::int as unread from r`,
    [userId, new Date(since), most]
  )
  return rows[0]!
}

/** Never back: what was read stays read. */
export async function markRead(db: Queryable, userId: string, through: number): Promise<void> {
  await db.query(
    `insert into feed.readers as r (user_id, through)
       select $1, $2 where not exists (select from feed.gone where user_id = $1)
     on conflict (user_id) do update set through = greatest(r.through, excluded.through)`,
    [userId, through]
  )
}

/**
 * Removes what is not to be kept of the next users behind `after`: what is older than `since`, what is beyond the newest `keep`,
 * and what was taken away again. Returns the last of them, or undefined at the end.
 */
export async function sweepUsers(
  db: Queryable,
  { after, users, since, keep }: { after: string; users: number; since: number; keep: number }
): Promise<string | undefined> {
  // From user to user along the index: asked for distinct ones, an engine without statistics goes through all items first.
  const { rows } = await db.query<{ id: string }>(
    `with recursive met as (
       (select user_id from feed.items where user_id > $1 order by user_id limit 1)
       union all
       select (select user_id from feed.items where user_id > met.user_id order by user_id limit 1)
       from met where met.user_id is not null
     ) select user_id as id from met where user_id is not null limit $2`,
    [after, users]
  )
  if (rows.length === 0) return undefined
  await db.query(
    `with items as (select user_id, at, id, project, kind, sum(n) as n from feed.items where user_id = any($1::text[])
         group by user_id, at, id, project, kind),
       ranked as (select *, row_number() over (partition by user_id, n > 0 order by at desc, id desc) as place from items)
     delete from feed.items i using ranked r
     where i.user_id = r.user_id and i.at = r.at and i.id = r.id and i.project is not distinct from r.project and i.kind = r.kind
       and i.user_id = any($1::text[]) and (r.at < $2 or r.n = 0 or (r.n > 0 and r.place > $3))`,
    [rows.map(({ id }) => id), new Date(since), keep]
  )
  return rows.length < users ? undefined : rows.at(-1)!.id
}
