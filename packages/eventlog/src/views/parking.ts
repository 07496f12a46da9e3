import type { Queryable } from '@plimsoll/database'
import type { Cursor } from '../entry.ts'
import type { StreamEvent } from '../streams/event.ts'
import type { EventStore } from '../streams/event-store.ts'
import type { Filter } from '../streams/order-rows.ts'
import type { Place } from './generation.ts'

export interface Parked extends Cursor {
  key: string
  /** What was wrong with the first of the key; null for those behind it. */
  error: string | null
}

export async function park(
  tx: Queryable,
  { schema, name, generation }: Place,
  parked: readonly Parked[]
): Promise<void> {
  await tx.query(
    `insert into "${schema}".parked (name, generation, key, xid, position, error)
     select $1, $2, * from unnest($3::text[], $4::xid8[], $5::bigint[], $6::text[])`,
    [
      name,
      generation,
      parked.map(({ key }) => key),
      parked.map(({ xid }) => xid),
      parked.map(({ position }) => position),
      parked.map(({ error }) => error)
    ]
  )
}

/** All that is parked of a generation, or of one key in it, in order; 10,000 at most. */
export async function parkedOf(db: Queryable, { schema, name, generation }: Place, key?: string): Promise<Parked[]> {
  const { rows } = await db.query<Parked>(
    `select key, p.xid::text as xid, position, error from "${schema}".parked p
     where name = $1 and generation = $2 and ($3::text is null or key = $3) order by p.xid, p.position limit 10000`,
    [name, generation, key]
  )
  return rows
}

/** The first that are parked of a key, in order. `owesEffect`: whatever the place is from which on the generation has effects. */
export async function firstParked(
  tx: Queryable,
  { schema, name, generation }: Place,
  key: string,
  limit: number
): Promise<(Cursor & { owesEffect: boolean })[]> {
  const { rows } = await tx.query<Cursor & { owesEffect: boolean }>(
    `select p.xid::text as xid, position, owes_effect as "owesEffect" from "${schema}".parked p
     where name = $1 and generation = $2 and key = $3 order by p.xid, p.position limit $4`,
    [name, generation, key, limit]
  )
  return rows
}

/** The event of a place; undefined where the filter leaves it out. */
export async function eventAt(
  store: EventStore,
  tx: Queryable,
  { xid, position }: Cursor,
  filter: Filter = {}
): Promise<StreamEvent | undefined> {
  const before = { xid, position: position - 1 }
  const { events } = await store.readPage({
    ...filter,
    from: before,
    until: { xid, position },
    sealed: true,
    tx,
    batch: 1
  })
  return events[0]
}

export async function parkedKeys(
  db: Queryable,
  { schema, name, generation }: Place,
  keys: readonly string[]
): Promise<Set<string>> {
  const { rows } = await db.query<{ key: string }>(
    `select distinct key from "${schema}".parked where name = $1 and generation = $2 and key = any($3)`,
    [name, generation, keys]
  )
  return new Set(rows.map(({ key }) => key))
}

/** Removes what is parked of a key up to a place. */
export async function unpark(
  tx: Queryable,
  { schema, name, generation }: Place,
  key: string,
  upTo: Cursor
): Promise<void> {
  await tx.query(
    `delete from "${schema}".parked
     where name = $1 and generation = $2 and key = $3 and (xid, position) <= ($4::xid8, $5::bigint)`,
    [name, generation, key, upTo.xid, upTo.position]
  )
}
