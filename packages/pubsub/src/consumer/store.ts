import { type Database, migrate, type Queryable } from '@plimsoll/database'
import type { Place, Position } from '../broker.ts'
import { FencedError } from '../errors.ts'

/** The consumer's own database and the schema of our tables in it. */
export interface ConsumerStore {
  readonly database: Database
  readonly schema: string
}

/** Makes the tables in a schema of this name. Safe to call again, and from several processes at once. */
export async function migrateConsumer(database: Database, schema: string): Promise<void> {
  await migrate(database, `pubsub:${schema}`, new URL('./migrations/', import.meta.url), { schema })
}

/** The right to handle one partition. `fence` is never given twice. */
export interface Lease extends Place {
  readonly fence: number
  readonly position: Position
  readonly generation: number
  /** The one before did not give it back: it may have died of a message. */
  readonly afterDeath: boolean
}

/**
 * The last statement of every step: moves the position, if this consumer still has the partition. A late owner finds no row,
 * and its whole transaction rolls back.
 * @throws FencedError
 */
export async function settlePartition(
  tx: Queryable,
  schema: string,
  { topic, group, partition, fence }: Lease,
  position: Position,
  handled: number
): Promise<void> {
  const { affected } = await tx.query(
    `update "${schema}".partitions set position = coalesce($5, position), handled = handled + $6, suspect = null
     where topic = $1 and grp = $2 and partition = $3 and fence = $4`,
    [topic, group, partition, fence, position, handled]
  )
  if (affected === 0) throw new FencedError(partition, fence)
}

/**
 * Moves the positions of several partitions of a group that this consumer still has, in one statement, which locks them in the
 * order in which a heartbeat does. Returns for each whether it was moved: a late owner's is not.
 */
export async function settlePartitions(
  { database, schema }: ConsumerStore,
  settlements: readonly { lease: Lease; position: Position; handled: number }[]
): Promise<boolean[]> {
  const { topic, group } = settlements[0]!.lease
  const { rows } = await database.commit<{ name: string }>(
    `with mine as (
       select p.partition, v.position, v.handled from "${schema}".partitions p
       join unnest($3::int[], $4::bigint[], $5::text[], $6::int[]) v(partition, fence, position, handled)
         on p.partition = v.partition and p.fence = v.fence
       where p.topic = $1 and p.grp = $2 order by p.partition for update of p)
     update "${schema}".partitions p set position = coalesce(mine.position, p.position),
       handled = p.handled + mine.handled, suspect = null
     from mine where p.topic = $1 and p.grp = $2 and p.partition = mine.partition
     returning p.partition || '/' || p.fence as name`,
    [
      topic,
      group,
      settlements.map(({ lease }) => lease.partition),
      settlements.map(({ lease }) => lease.fence),
      settlements.map(({ position }) => position),
      settlements.map(({ handled }) => handled)
    ],
    new Map()
  )
  const moved = new Set(rows.map(({ name }) => name))
  return settlements.map(({ lease }) => moved.has(`${lease.partition}/${lease.fence}`))
}

/** Says that a message is begun, before it is: what a consumer died of is known to the next. Returns how often it was. */
export async function beginSuspect(
  { database, schema }: ConsumerStore,
  { topic, group, partition, fence }: Lease,
  id: string
): Promise<number> {
  const { rows } = await database.query<{ attempts: number }>(
    `update "${schema}".partitions set suspect = $5,
       suspect_attempts = case when suspect = $5 then suspect_attempts + 1 else 1 end
     where topic = $1 and grp = $2 and partition = $3 and fence = $4 returning suspect_attempts as attempts`,
    [topic, group, partition, fence, id]
  )
  if (!rows[0]) throw new FencedError(partition, fence)
  return rows[0].attempts
}

/**
 * Those of the ids that were handled already in this generation. Each is looked up by itself: with `= any`, a planner that knows
 * nothing yet of the table reads all that the group has ever handled, for each step.
 */
export async function knownIds(
  tx: Queryable,
  schema: string,
  { topic, group, generation }: Lease,
  ids: readonly string[]
): Promise<Set<string>> {
  const { rows } = await tx.query<{ id: string }>(
    `select seen.id from unnest($4::text[]) wanted(id) cross join lateral (
       select id from "${schema}".inbox
       where topic = $1 and grp = $2 and generation = $3 and id = wanted.id offset 0) seen`,
    [topic, group, generation, ids]
  )
  return new Set(rows.map(({ id }) => id))
}

/** A unique violation means that another owner has handled one of them meanwhile: the step rolls back. */
export async function rememberIds(
  tx: Queryable,
  schema: string,
  { topic, group, generation }: Lease,
  ids: readonly string[]
): Promise<void> {
  if (ids.length === 0) return
  await tx.query(`insert into "${schema}".inbox (topic, grp, generation, id) select $1, $2, $3, unnest($4::text[])`, [
    topic,
    group,
    generation,
    ids
  ])
}

/**
 * Both in one statement, for a step that has made no other: the ids that were handled, and the position.
 * @throws FencedError
 */
export async function settleRemembering(
  { database, schema }: ConsumerStore,
  { topic, group, generation, partition, fence }: Lease,
  position: Position,
  ids: readonly string[]
): Promise<void> {
  const { rows } = await database.commit(
    `with mine as (update "${schema}".partitions
       set position = coalesce($5, position), handled = handled + cardinality($7::text[]), suspect = null
       where topic = $1 and grp = $2 and partition = $3 and fence = $4 returning partition),
     remembered as (insert into "${schema}".inbox (topic, grp, generation, id) select $1, $2, $6, unnest($7::text[]) from mine)
     select partition from mine`,
    [topic, group, partition, fence, position, generation, ids],
    new Map()
  )
  if (rows.length === 0) throw new FencedError(partition, fence)
}

/** Forgets ids that were handled before this moment, `limit` at most. Returns how many went. */
export async function sweepInbox(
  { database, schema }: ConsumerStore,
  { before, limit }: { before: number; limit: number }
): Promise<number> {
  const { affected } = await database.query(
    `delete from "${schema}".inbox where ctid = any(array(
       select ctid from "${schema}".inbox where handled_at < $1 limit $2))`,
    [new Date(before), limit]
  )
  return affected
}
