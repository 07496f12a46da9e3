import type { Queryable } from '@plimsoll/database'
import type { Cursor } from '../entry.ts'
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

export async function unpark(tx: Queryable, { schema, name, generation }: Place, key: string): Promise<void> {
  await tx.query(`delete from "${schema}".parked where name = $1 and generation = $2 and key = $3`, [
    name,
    generation,
    key
  ])
}
