import type { Queryable, Transaction } from '@plimsoll/database'
import { type Cursor, start } from '@plimsoll/eventlog'
import { isPartName } from './parts.ts'
import { reaches, readRegistry, runningOf, whileNothingIsSwapped } from './registry.ts'
import type { RefreshDone, View } from './view.ts'

/** What a piece of a refresh came to. */
export interface PieceDone extends RefreshDone {
  ms: number
}

/** A refresh in the middle: where the read models stood when it began, and what it came to so far. */
export interface Begun {
  asOf: number
  cursor: Cursor
  ms: number
  rows: number
  memory: Map<string, unknown>
}

/**
 * One piece of the refresh of a view. When what is remembered of those before it is lost it begins again, which comes to the
 * same. The last one writes down what the view holds now.
 */
export async function refreshPiece(
  tx: Transaction,
  declared: readonly View[],
  { refresh: name, asOf }: { refresh: string; asOf: number },
  begun: Map<string, Begun>
): Promise<PieceDone> {
  const startedAt = performance.now()
  await whileNothingIsSwapped(tx)
  const view = runningOf(declared, await readRegistry(tx)).find(running => running.view.name === name)?.view
  if (view?.refresh.mode !== 'periodic') return { more: false, rows: 0, ms: 0 }
  const key = `${name}@${view.version}`
  const one = begun.get(key) ?? { asOf, cursor: await slowest(tx), ms: 0, rows: 0, memory: new Map() }
  begun.set(key, one)
  const done = await view.refresh.run(tx, '', one.memory)
  const ms = performance.now() - startedAt
  one.ms += ms
  one.rows += done.rows
  if (done.more) return { ...done, ms }
  begun.delete(key)
  await tx.query(
    `insert into analytics.refreshes (name, as_of, xid, position, took_ms, rows) values ($1, $2, $3, $4, $5, $6)
     on conflict (name) do update set as_of = excluded.as_of, xid = excluded.xid, position = excluded.position,
       took_ms = excluded.took_ms, rows = excluded.rows`,
    [name, new Date(one.asOf), one.cursor.xid, one.cursor.position, one.ms, one.rows]
  )
  return { ...done, ms }
}

/** Up to where all writers have come. */
async function slowest(tx: Transaction): Promise<Cursor> {
  const { rows } = await tx.query<Cursor & { name: string }>(
    'select name, xid::text as xid, position from eventlog_cursors.cursors'
  )
  const cursors = rows.filter(({ name }) => isPartName(name)).map(({ xid, position }) => ({ xid, position }))
  return cursors.reduce((least, one) => (reaches(least, one) ? one : least), cursors[0] ?? start)
}

/** What the last refresh of a view came to. */
export interface Refreshed extends Cursor {
  name: string
  asOf: number
  tookMs: number
  rows: number
}

export async function readRefreshes(store: Queryable): Promise<Refreshed[]> {
  const { rows } = await store.query<Omit<Refreshed, 'asOf'> & { asOf: Date }>(
    'select name, as_of as "asOf", xid::text as xid, position, took_ms as "tookMs", rows from analytics.refreshes'
  )
  return rows.map(row => ({ ...row, asOf: row.asOf.getTime() }))
}
