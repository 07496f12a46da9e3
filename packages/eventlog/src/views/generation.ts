import type { Database, Queryable, Transaction } from '@plimsoll/database'
import type { Cursor } from '../entry.ts'
import { EventStoreError } from '../streams/errors.ts'

/** Another worker has taken over, or the generation is no longer there: nothing of this step was written. */
export class ViewFencedError extends EventStoreError {
  override readonly name = 'ViewFencedError'
  readonly code = 'PLIMSOLL_VIEW_FENCED'

  constructor(view: string) {
    super(`another worker runs the view "${view}" by now; nothing of this step was written`)
  }
}

export interface Place {
  schema: string
  name: string
  generation: number
}

/** Readers see a later generation already: this program is the older one. */
export class ViewSupersededError extends EventStoreError {
  override readonly name = 'ViewSupersededError'
  readonly code = 'PLIMSOLL_VIEW_SUPERSEDED'

  constructor({ name, generation }: Place, live: number) {
    super(`readers of the view "${name}" see generation ${live}, and this is ${generation}: it is not built any more`)
  }
}

export interface Turn {
  fence: number
  cursor: Cursor
  effectsAfter: Cursor
  applied: number
  live: boolean
}

/** Makes the generation and its table, and shows it to readers if it is the first. @throws ViewSupersededError */
export async function createGeneration(
  database: Database,
  { schema, name, generation }: Place,
  head: Cursor,
  createTable: (table: string) => string
): Promise<void> {
  await database.transaction(async tx => {
    await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`${schema}.${name}`])
    const { rows } = await tx.query<{ live: number }>(`select live from "${schema}".views where name = $1`, [name])
    if (rows[0] && rows[0].live > generation) throw new ViewSupersededError({ schema, name, generation }, rows[0].live)
    const { affected } = await tx.query(
      `insert into "${schema}".view_generations (name, generation, effects_xid, effects_position)
       values ($1, $2, $3, $4) on conflict do nothing`,
      [name, generation, head.xid, head.position]
    )
    if (affected === 0) return
    await tx.exec(createTable(tableOf({ schema, name, generation })))
    const first = await tx.query(`insert into "${schema}".views (name, live) values ($1, $2) on conflict do nothing`, [
      name,
      generation
    ])
    if (first.affected === 1) await show(tx, { schema, name, generation })
  })
}

export const tableOf = ({ schema, name, generation }: Place) => `"${schema}"."${name}_${generation}"`

/** What readers select from. */
export async function show(tx: Transaction, place: Place): Promise<void> {
  const seen = `"${place.schema}"."${place.name}"`
  await tx.exec(`drop view if exists ${seen}; create view ${seen} as select * from ${tableOf(place)}`)
}

/** Takes the lease if it is free or run out. Undefined: another worker has it. */
export async function takeTurn(
  db: Queryable,
  { schema, name, generation }: Place,
  owner: string,
  leaseMs: number
): Promise<Turn | undefined> {
  const { rows } = await db.query<Cursor & { fence: number; ex: string; ep: number; applied: number; live: number }>(
    `update "${schema}".view_generations g
     set owner = $3, fence = fence + 1, leased_until = clock_timestamp() + $4 * interval '1 millisecond'
     where name = $1 and generation = $2 and leased_until < clock_timestamp()
     returning g.fence, g.xid::text as xid, g.position, g.effects_xid::text as ex, g.effects_position as ep, g.applied,
       (select live from "${schema}".views v where v.name = $1) as live`,
    [name, generation, owner, leaseMs]
  )
  const row = rows[0]
  return (
    row && {
      fence: row.fence,
      cursor: { xid: row.xid, position: row.position },
      effectsAfter: { xid: row.ex, position: row.ep },
      applied: row.applied,
      live: row.live === generation
    }
  )
}

/** What a generation may do now, locked until the transaction is over. */
export async function turnOf(
  tx: Queryable,
  { schema, name, generation }: Place
): Promise<Pick<Turn, 'live' | 'effectsAfter'>> {
  const { rows } = await tx.query<Cursor & { live: boolean }>(
    `select g.effects_xid::text as xid, g.effects_position as position,
       (select live from "${schema}".views v where v.name = $1) = g.generation as live
     from "${schema}".view_generations g where name = $1 and generation = $2 for update`,
    [name, generation]
  )
  if (!rows[0]) throw new ViewFencedError(name)
  const { live, xid, position } = rows[0]
  return { live, effectsAfter: { xid, position } }
}

/** Moves the cursor and renews the lease, in the step's own transaction. @throws ViewFencedError */
export async function moveTurn(
  tx: Queryable,
  { schema, name, generation }: Place,
  turn: Turn,
  to: Cursor,
  count: number,
  leaseMs: number
): Promise<void> {
  const { affected } = await tx.query(
    `update "${schema}".view_generations set xid = $4, position = $5, applied = applied + $6,
       leased_until = clock_timestamp() + $7 * interval '1 millisecond'
     where name = $1 and generation = $2 and fence = $3 and xid = $8 and position = $9`,
    [name, generation, turn.fence, to.xid, to.position, count, leaseMs, turn.cursor.xid, turn.cursor.position]
  )
  if (affected !== 1) throw new ViewFencedError(name)
}

export async function giveUpTurn(db: Queryable, { schema, name, generation }: Place, fence: number): Promise<void> {
  await db.query(
    `update "${schema}".view_generations set leased_until = '-infinity', owner = null
     where name = $1 and generation = $2 and fence = $3`,
    [name, generation, fence]
  )
}

/** How far the generation that readers see has come. */
export async function liveCursor(db: Queryable, { schema, name }: Place): Promise<Cursor & { generation: number }> {
  const { rows } = await db.query<Cursor & { generation: number }>(
    `select g.generation, g.xid::text as xid, g.position from "${schema}".views v
     join "${schema}".view_generations g on g.name = v.name and g.generation = v.live where v.name = $1`,
    [name]
  )
  return rows[0]!
}
