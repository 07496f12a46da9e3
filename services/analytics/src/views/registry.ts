import type { Queryable, Transaction } from '@plimsoll/database'
import type { Cursor } from '@plimsoll/eventlog'
import type { View } from './view.ts'

/** What `analytics.views` says of one view. */
export interface Registered extends Cursor {
  name: string
  live: boolean
  version: number
  frozenAt: Date | null
}

/** A view as its live rows are: its declaration, or the one before it; and up to where they hold everything. */
export interface Running {
  view: View
  through: Cursor
}

export async function readRegistry(db: Queryable): Promise<Registered[]> {
  const { rows } = await db.query<Registered>(
    'select name, live, version, xid::text as xid, position, frozen_at as "frozenAt" from analytics.views'
  )
  return rows
}

/** Those of the declared views whose live rows a step adds to. One whose declaration is gone is left as it is: frozen. */
export function runningOf(declared: readonly View[], registry: readonly Registered[]): Running[] {
  return declared.flatMap(view => {
    const live = registry.find(({ name, live }) => live && name === view.name)
    if (live === undefined || live.frozenAt !== null) return []
    const running = [view, view.former].find(one => one?.version === live.version)
    return running ? [{ view: running, through: { xid: live.xid, position: live.position } }] : []
  })
}

/** Of the declared views those that are being built. */
export function buildingOf(declared: readonly View[], registry: readonly Registered[]): View[] {
  return declared.filter(({ name, version }) =>
    registry.some(one => !one.live && one.name === name && one.version === version)
  )
}

/** Serialises a swap of tables with the steps that write to them. An embedded engine takes one at a time anyway. */
const lockKey = 0x706c_6d73

export async function whileNothingIsSwapped(tx: Transaction): Promise<void> {
  if (tx.engine === 'postgres') await tx.query('select pg_advisory_xact_lock_shared($1)', [lockKey])
}

export async function whileNobodyWrites(tx: Transaction): Promise<void> {
  if (tx.engine === 'postgres') await tx.query('select pg_advisory_xact_lock($1)', [lockKey])
}

/** Whether `a` stands at `b` or behind it in the log. */
export function reaches(a: Cursor, b: Cursor): boolean {
  if (a.xid === b.xid) return a.position >= b.position
  // Almost always of one length; a longer one is the larger.
  return a.xid.length === b.xid.length ? a.xid > b.xid : a.xid.length > b.xid.length
}
