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

/** What was handled in one partition, by handlers that made no statement. */
export interface Settlement {
  readonly lease: Lease
  readonly position: Position
  readonly handled: number
  /** To be remembered: of a broker that may give one twice. */
  readonly ids: readonly string[]
}

/**
 * Moves the positions of several partitions of a group that this consumer still has, and remembers what was handled there, in
 * one statement, which locks them in the order in which a heartbeat does. Returns for each whether it was moved: a late owner's is
 * not, and nothing of it is remembered. An id that somebody has remembered already is no fault: there is nothing to undo.
 */
export async function settlePartitions(
  { database, schema }: ConsumerStore,
  settlements: readonly Settlement[]
): Promise<boolean[]> {
  const { topic, group } = settlements[0]!.lease
  const remembers = settlements.some(({ ids }) => ids.length > 0)
  const remembered = `remembered as (insert into "${schema}".inbox (topic, grp, generation, id)
       select $1, $2, mine.generation, i.id from unnest($8::int[], $9::text[]) i(partition, id) join mine using (partition)
       on conflict do nothing)`
  const { rows } = await database.commit<{ name: string }>(
    `with mine as (
       select p.partition, v.position, v.handled, v.generation from "${schema}".partitions p
       join unnest($3::int[], $4::bigint[], $5::text[], $6::int[], $7::int[]) v(partition, fence, position, handled, generation)
         on p.partition = v.partition and p.fence = v.fence
       where p.topic = $1 and p.grp = $2 order by p.partition for update of p)${remembers ? `, ${remembered}` : ''}
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
      settlements.map(({ handled }) => handled),
      settlements.map(({ lease }) => lease.generation),
      ...(remembers ? idsOf(settlements) : [])
    ],
    new Map()
  )
  const moved = new Set(rows.map(({ name }) => name))
  return settlements.map(({ lease }) => moved.has(`${lease.partition}/${lease.fence}`))
}

/** One array of partitions and one of ids, an entry an id. */
function idsOf(settlements: readonly Settlement[]): [number[], string[]] {
  const partitions: number[] = []
  const all: string[] = []
  for (const { lease, ids } of settlements) {
    for (const id of ids) {
      partitions.push(lease.partition)
      all.push(id)
    }
  }
  return [partitions, all]
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

/** What one partition asks: which of these ids were handled already in its generation. */
export interface Lookup {
  readonly lease: Lease
  readonly ids: readonly string[]
}

/**
 * Answers several partitions of a group in one statement, each with those of its ids that were handled. Each id is looked up by
 * itself: with `= any`, a planner that knows nothing yet of the table reads all that the group has ever handled.
 */
export async function knownIds(tx: Queryable, schema: string, lookups: readonly Lookup[]): Promise<Set<string>[]> {
  const { topic, group } = lookups[0]!.lease
  const known = lookups.map(() => new Set<string>())
  const { rows } = await tx.query<{ asker: number; id: string }>(
    `select wanted.asker, seen.id from unnest($3::int[], $4::int[], $5::text[]) wanted(asker, generation, id)
     cross join lateral (
       select id from "${schema}".inbox
       where topic = $1 and grp = $2 and generation = wanted.generation and id = wanted.id offset 0) seen`,
    [
      topic,
      group,
      lookups.flatMap(({ ids }, asker) => ids.map(() => asker)),
      lookups.flatMap(({ lease, ids }) => ids.map(() => lease.generation)),
      lookups.flatMap(({ ids }) => ids)
    ]
  )
  for (const { asker, id } of rows) known[asker]!.add(id)
  return known
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
