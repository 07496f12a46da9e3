import type { Database, Queryable } from '@plimsoll/database'

/** What a partition of the log holds of time, in milliseconds: 49.7 days, the first 16 of the 48 bits in a UUIDv7. */
export const partitionMs = 2 ** 32

/** The bucket of ids that have no time in them. */
const otherKind = -1

/** The partition that an id belongs to: by the time in a UUIDv7, which no resend can change. -1 for ids of other kinds. */
export function bucketOf(id: string): number {
  return id[14] === '7' ? Number.parseInt(id.slice(0, 4), 16) : otherKind
}

/** The bucket of a moment, in milliseconds since 1970. */
export function bucketAt(ms: number): number {
  return Math.floor(ms / partitionMs)
}

/** The buckets of these ids, each once. */
export function bucketsOf(ids: readonly string[]): number[] {
  return [...new Set(ids.map(bucketOf))]
}

export interface PartitionOptions {
  /** Wall-clock milliseconds. */
  now: number
  /** Entries with a time in their id before this many milliseconds ago are dropped, a partition at a time. Default: none. */
  keepMs?: number | undefined
}

export interface PartitionChange {
  made: number[]
  dropped: number[]
}

/** Into what is being used nothing is moved: whoever waits for the log would wait for the longest of its readers. */
const lockTimeoutMs = 2_000
/** What came in last must be so much older than now before its partition is dropped: an import of old events, say. */
const restMs = 35 * 86_400_000

/**
 * Makes the partitions of the coming months and, with `keepMs`, drops those that are older whole: rows, keys and all.
 * Call it at the start and every few hours; it does nothing when there is nothing to do. Several processes may.
 * Rejects when the log was in use for longer than 2 s; a later call does it.
 */
export async function keepPartitions(database: Database, { now, keepMs }: PartitionOptions): Promise<PartitionChange> {
  const wanted = () => [0, 1, 2].map(ahead => bucketAt(now) + ahead)
  const lowest = keepMs === undefined ? Number.NEGATIVE_INFINITY : bucketAt(now - keepMs)
  const there = await partitions(database)
  if (wanted().every(bucket => there.has(bucket)) && ![...there].some(bucket => bucket < lowest))
    return { made: [], dropped: [] }
  return database.transaction(async tx => {
    await tx.query(`set local lock_timeout = ${lockTimeoutMs}`)
    await tx.query("select pg_advisory_xact_lock(hashtext('eventlog.partitions'))")
    const there = await partitions(tx)
    const made = wanted().filter(bucket => !there.has(bucket))
    for (const bucket of made) await tx.query('select eventlog.add_partition($1)', [bucket])
    const dropped: number[] = []
    for (const bucket of [...there].filter(bucket => bucket < lowest)) {
      if (await isInUse(tx, bucket, now)) continue
      // One by one, so that the lock on the log is asked for by a statement that cannot fail half done.
      await tx.query(`alter table eventlog.entries detach partition eventlog.entries_${bucket}`)
      await tx.query(`drop table eventlog.entries_${bucket}`)
      await tx.query('delete from eventlog.partitions where bucket = $1', [bucket])
      dropped.push(bucket)
    }
    return { made, dropped }
  })
}

/**
 * The start of what the log still holds, in milliseconds since 1970, once partitions were dropped from it; undefined before. Ids
 * without a time in them, and of times long before the log began, are always held.
 */
export async function cutBefore(db: Queryable): Promise<number | undefined> {
  // Where the partition ends that is never dropped, the first one began that could be.
  const { rows } = await db.query<{ first: number | null; lowest: number | null }>(
    `select substring(pg_get_expr(relpartbound, oid) from 'TO \\(''?(-?\\d+)')::int as first,
       (select min(bucket) from eventlog.partitions) as lowest
     from pg_class where oid = 'eventlog.entries_other'::regclass`
  )
  const { first, lowest } = rows[0]!
  return first !== null && lowest !== null && lowest > first ? lowest * partitionMs : undefined
}

async function partitions(db: Queryable): Promise<Set<number>> {
  const { rows } = await db.query<{ bucket: number }>('select bucket from eventlog.partitions order by bucket')
  return new Set(rows.map(({ bucket }) => bucket))
}

/** Whether something was written to it of late, and a reader may still be on its way to it. */
async function isInUse(db: Queryable, bucket: number, now: number): Promise<boolean> {
  const { rows } = await db.query<{ recorded_at: Date }>(
    `select recorded_at from eventlog.entries_${bucket} order by xid desc, position desc limit 1`
  )
  return rows[0] !== undefined && rows[0].recorded_at.getTime() > now - restMs
}
