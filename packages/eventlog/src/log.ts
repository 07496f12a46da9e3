import { type CopyType, copyRows, type Database, migrate, type Queryable, type Transaction } from '@plimsoll/database'
import { type Cursor, type NewEntry, type StoredEntry, start } from './entry.ts'
import { bucketOf, bucketsOf } from './partitions.ts'
import { appendedSegment, type Segment } from './segment.ts'

/** The commit channel that wakes subscribers in the writer's own process. */
export const logChannel = 'eventlog'

/** The commit channel that tells the place of the last entry of each append, as a `Cursor`. */
export const placeChannel = 'eventlog.place'

const columns = ['bucket', 'tenant', 'id', 'type', 'time', 'stream', 'subject', 'digest', 'data', 'change']
const types: CopyType[] = ['int4', 'text', 'uuid', 'text', 'timestamptz', 'uuid', 'text', 'int8', 'json', 'json']

export interface Page {
  entries: StoredEntry[]
  /** True when nothing that is committed lies behind this page, not even above the horizon. */
  caughtUp: boolean
}

export interface Known {
  digest: string
  time: number
  data: unknown
  change: unknown
}

/** Creates the log's tables in this database. */
export async function migrateLog(database: Database): Promise<void> {
  await migrate(database, 'eventlog', new URL('./migrations/', import.meta.url))
}

/**
 * Appends entries in the caller's transaction. Look with `findDigests` first: an id that is there already fails the
 * whole statement with a unique violation, which a fresh transaction then sees by looking (GroupCommit does so).
 * COPY is used because it costs less than half of `insert … select unnest` on both engines, and as bytes: read as text, the
 * numbers, ids and times of a row cost the engine nearly as much as storing it.
 */
export async function append(tx: Transaction, entries: readonly NewEntry[]): Promise<void> {
  if (entries.length === 0) return
  const rows = copyRows(
    types,
    entries.map(e => [bucketOf(e.id), e.tenant, e.id, e.type, e.time, e.stream, e.subject, e.digest, e.data, e.change])
  )
  const [, { xid, last }] = await Promise.all([tx.copyIn('eventlog.entries', columns, rows), lastPlace(tx)])
  const first = { xid, position: last - entries.length + 1, recordedAt: Date.now() }
  // Embedded there is one writer at a time, so the rows just copied stand together and the last one's place tells all.
  tx.notify(logChannel, tx.engine === 'pglite' ? appendedSegment(entries, first) : undefined)
  tx.notify(placeChannel, { xid, position: last } satisfies Cursor)
}

/** Where the last of the rows stands that this transaction appended. */
async function lastPlace(tx: Transaction): Promise<{ xid: string; last: number }> {
  const { rows } = await tx.query<{ xid: string; last: number }>(
    "select pg_current_xact_id()::text as xid, currval('eventlog.entries_position_seq') as last"
  )
  return rows[0]!
}

/** The place of the last entry that is committed, whatever lies below the horizon. */
export async function headOf(db: Queryable): Promise<Cursor> {
  const { rows } = await db.query<Cursor>(
    'select e.xid::text as xid, e.position from eventlog.entries e order by e.xid desc, e.position desc limit 1'
  )
  return rows[0] ?? start
}

/** The key under which `findDigests` answers. */
export function entryKey(tenant: string, id: string): string {
  return `${id}/${tenant}`
}

/** The digests of those of `ids` that are in the log, by `entryKey`. */
export async function findDigests(db: Queryable, ids: readonly string[]): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  if (ids.length === 0) return found
  const { rows } = await db.query<{ tenant: string; id: string; digest: string }>(
    `select tenant, id::text as id, digest::text as digest
     from eventlog.entries where bucket = any($1::int[]) and id = any($2::uuid[])`,
    [bucketsOf(ids), ids]
  )
  for (const { tenant, id, digest } of rows) found.set(entryKey(tenant, id), digest)
  return found
}

/** When those of `ids` that are in the log were recorded, in milliseconds since 1970, by `entryKey`. */
export async function findReceipts(db: Queryable, ids: readonly string[]): Promise<Map<string, number>> {
  if (ids.length === 0) return new Map()
  const { rows } = await db.query<{ tenant: string; id: string; recorded_at: Date }>(
    `select tenant, id::text as id, recorded_at
     from eventlog.entries where bucket = any($1::int[]) and id = any($2::uuid[])`,
    [bucketsOf(ids), ids]
  )
  return new Map(rows.map(row => [entryKey(row.tenant, row.id), row.recorded_at.getTime()]))
}

/** One entry as it was written, for a replayed answer. */
export async function findEntry(db: Queryable, tenant: string, id: string): Promise<Known | undefined> {
  const { rows } = await db.query<{ digest: string; time: Date; data: unknown; change: unknown }>(
    `select digest::text as digest, time, data, change
     from eventlog.entries where bucket = $1 and id = $2 and tenant = $3`,
    [bucketOf(id), id, tenant]
  )
  return rows[0] && { ...rows[0], time: rows[0].time.getTime() }
}

/** A page of the log as the bytes of JSON. */
export interface PackedPage {
  /** Undefined when there is nothing that may be given out. */
  segment: Segment | undefined
  first: Cursor | undefined
  /** True when it holds all that was asked for, and nothing of that lies above the horizon. */
  whole: boolean
}

/**
 * As `readLog`, what lies before `end` only, as one value that the server makes: a row and a field for each of theirs costs an
 * embedded engine three times as much, in the thread that writes the log, and the reader makes it into JSON again.
 */
export async function readPacked(db: Queryable, cursor: Cursor, limit: number, end?: Cursor): Promise<PackedPage> {
  const { rows } = await db.query<{
    seen: number
    count: number
    entries: string | null
    first: Cursor | null
    last: Segment['last'] | null
  }>(
    `with page as materialized (
       select position, xid, tenant, id, type, time, recorded_at, stream, subject, data, change from eventlog.entries e
       where (e.xid, e.position) > ($1::xid8, $2::bigint) ${end ? 'and (e.xid, e.position) < ($4::xid8, $5::bigint)' : ''}
       order by e.xid, e.position limit $3
     ), ready as (
       select position, xid::text as xid, (extract(epoch from recorded_at) * 1000)::float8 as "recordedAt", tenant, id, type,
         (extract(epoch from time) * 1000)::float8 as time, stream, subject, data, change
       from page where page.xid < (select pg_snapshot_xmin(pg_current_snapshot())) order by page.xid, page.position
     )
     select (select count(*)::int from page) as seen, count(*)::int as count, json_agg(ready)::text as entries,
       json_build_object('xid', (array_agg(xid))[1], 'position', (array_agg(position))[1]) as first,
       json_build_object('xid', (array_agg(xid))[count(*)], 'position', (array_agg(position))[count(*)],
         'recordedAt', (array_agg("recordedAt"))[count(*)]) as last
     from ready`,
    [cursor.xid, cursor.position, limit, ...(end ? [end.xid, end.position] : [])]
  )
  const { seen, count, entries, first, last } = rows[0]!
  return {
    segment: count === 0 ? undefined : { entries: new TextEncoder().encode(entries!), count, first: null, last: last! },
    first: count === 0 ? undefined : first!,
    whole: seen === count && seen < limit
  }
}

/**
 * The next entries after `cursor`, in the order every reader sees. Only what lies below the horizon (the oldest
 * transaction still writing) is given out: above it a slower transaction may still commit with a lower place.
 * After Emmett and pg's own logical slots; the field's failures are listed in docs/decisions/0004-log-order.md.
 */
export async function readLog(db: Queryable, cursor: Cursor, limit: number): Promise<Page> {
  // In ORDER BY a bare name would mean the text column of the answer, and as text 1000 comes before 999.
  // JSON is passed on as text, to keep that work off the engine's only thread.
  const { rows } = await db.query<{
    position: number
    xid: string
    tenant: string
    id: string
    type: string
    time: number
    recorded: number
    stream: string | null
    subject: string | null
    data: string | null
    change: string | null
    ready: boolean
  }>(
    `select position, xid::text as xid, tenant, id::text as id, type,
       (extract(epoch from time) * 1000)::float8 as time, (extract(epoch from recorded_at) * 1000)::float8 as recorded,
       stream::text as stream, subject, data::text as data, change::text as change,
       xid < pg_snapshot_xmin(pg_current_snapshot()) as ready
     from eventlog.entries e where (e.xid, e.position) > ($1::xid8, $2::bigint)
     order by e.xid, e.position limit $3`,
    [cursor.xid, cursor.position, limit]
  )
  const entries: StoredEntry[] = []
  for (const row of rows) {
    if (!row.ready) return { entries, caughtUp: false }
    const { recorded, ready: _, ...rest } = row
    entries.push({ ...rest, recordedAt: recorded })
  }
  return { entries, caughtUp: rows.length < limit }
}
