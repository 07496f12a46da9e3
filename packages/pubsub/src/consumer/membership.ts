import type { Transaction } from '@plimsoll/database'
import type { ConsumerStore, Lease } from './store.ts'

export interface Membership {
  readonly topic: string
  readonly group: string
  readonly member: string
  readonly partitions: number
  readonly leaseMs: number
}

/** Makes a row for each partition of a group that has none. `positions` is where a new group begins. */
export async function addPartitions(
  { database, schema }: ConsumerStore,
  { topic, group, partitions }: Membership,
  positions: readonly (string | null)[]
): Promise<void> {
  await database.query(
    `insert into "${schema}".partitions (topic, grp, partition, position)
     select $1, $2, n - 1, ($4::text[])[n] from generate_series(1, $3::int) n on conflict do nothing`,
    [topic, group, partitions, positions]
  )
}

/** True when the group was here before, by whichever member. */
export async function isKnownGroup(
  { database, schema }: ConsumerStore,
  { topic, group }: Pick<Membership, 'topic' | 'group'>
): Promise<boolean> {
  const { rows } = await database.query(`select from "${schema}".partitions where topic = $1 and grp = $2 limit 1`, [
    topic,
    group
  ])
  return rows.length > 0
}

export interface Beat {
  /** Partitions and fences that are still this member's, for another lease. */
  held: Map<number, number>
  /** How many partitions are each member's fair share now. */
  share: number
}

/** Says that the member lives, renews what it has, and counts the others. One clock, the database's. */
export async function beat({ database, schema }: ConsumerStore, me: Membership): Promise<Beat> {
  const { topic, group, member, leaseMs } = me
  return await database.transaction(async tx => {
    const until = `clock_timestamp() + $4 * interval '1 millisecond'`
    const renewed = tx.query<{ partition: number; fence: number }>(
      `with mine as (select partition from "${schema}".partitions
         where topic = $1 and grp = $2 and owner = $3 order by partition for update)
       update "${schema}".partitions p set leased_until = ${until} from mine
       where p.topic = $1 and p.grp = $2 and p.partition = mine.partition returning p.partition, p.fence`,
      [topic, group, member, leaseMs]
    )
    const joined = tx.query(
      `insert into "${schema}".members (topic, grp, member, seen_until) values ($1, $2, $3, ${until})
       on conflict (topic, grp, member) do update set seen_until = excluded.seen_until`,
      [topic, group, member, leaseMs]
    )
    const cleaned = tx.query(
      `delete from "${schema}".members where ctid = any(array(select ctid from "${schema}".members
       where topic = $1 and grp = $2 and seen_until < clock_timestamp() for update skip locked))`,
      [topic, group]
    )
    const counted = tx.query<{ n: number }>(
      `select count(*)::int as n from "${schema}".members where topic = $1 and grp = $2`,
      [topic, group]
    )
    const [{ rows }, , , { rows: count }] = await Promise.all([renewed, joined, cleaned, counted])
    return {
      held: new Map(rows.map(({ partition, fence }) => [partition, fence])),
      share: Math.ceil(me.partitions / Math.max(1, count[0]!.n))
    }
  })
}

/** Takes partitions that are free, or whose owner was silent for a whole lease; `limit` at most. */
export async function acquire(
  { database, schema }: ConsumerStore,
  { topic, group, member, leaseMs }: Membership,
  limit: number
): Promise<Lease[]> {
  if (limit <= 0) return []
  const { rows } = await database.query<Omit<Lease, 'topic' | 'group'>>(
    `with free as (
       select partition, owner is not null as after_death from "${schema}".partitions
       where topic = $1 and grp = $2 and (owner is null or leased_until < clock_timestamp())
       order by partition limit $5 for update skip locked)
     update "${schema}".partitions p set owner = $3, fence = p.fence + 1,
       leased_until = clock_timestamp() + $4 * interval '1 millisecond'
     from free where p.topic = $1 and p.grp = $2 and p.partition = free.partition
     returning p.partition, p.fence, p.position, p.generation, free.after_death as "afterDeath"`,
    [topic, group, member, leaseMs, limit]
  )
  return rows.map(row => ({ topic, group, ...row }))
}

/** Gives a partition back in order, if it is still this owner's. */
export async function release(
  { database, schema }: ConsumerStore,
  lease: Pick<Lease, 'topic' | 'group' | 'partition' | 'fence'>
): Promise<void> {
  await database.query(
    `update "${schema}".partitions set owner = null
     where topic = $1 and grp = $2 and partition = $3 and fence = $4`,
    [lease.topic, lease.group, lease.partition, lease.fence]
  )
}

export async function leave({ database, schema }: ConsumerStore, { topic, group, member }: Membership): Promise<void> {
  await database.query(`delete from "${schema}".members where topic = $1 and grp = $2 and member = $3`, [
    topic,
    group,
    member
  ])
}

/**
 * Moves a group's partitions to where a replay begins. Every owner is fenced, so none can commit a step of before; what is
 * parked and will be read again is taken away.
 */
export async function rewind(
  tx: Transaction,
  schema: string,
  { topic, group }: Pick<Membership, 'topic' | 'group'>,
  positions: ReadonlyMap<number, string | null>
): Promise<void> {
  for (const [partition, position] of positions) {
    await tx.query(
      `update "${schema}".partitions set position = $4, generation = generation + 1, fence = fence + 1, owner = null,
         suspect = null where topic = $1 and grp = $2 and partition = $3`,
      [topic, group, partition, position]
    )
    await tx.query(
      `delete from "${schema}".parked where topic = $1 and grp = $2 and partition = $3
       and ($4::text is null or position > $4)`,
      [topic, group, partition, position]
    )
  }
}
