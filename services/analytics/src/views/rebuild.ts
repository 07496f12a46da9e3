import type { Transaction } from '@plimsoll/database'
import { type Cursor, start } from '@plimsoll/eventlog'
import { cursorName, isPartName } from './parts.ts'
import { buildingOf, type Registered, reaches, readRegistry, whileNobodyWrites } from './registry.ts'
import { tableName, type View } from './view.ts'

/** Cursor of those views that are built beside the live ones. */
export const rebuildCursor = 'analytics/next'

/**
 * Makes what the declared views need before the log is followed: tables of new ones, tables to build in for changed ones, and
 * the cursors of `parts` writers. Returns the views that have to be built.
 * @throws when the number of writers is changed while they stand at different places
 */
export async function prepareViews(tx: Transaction, declared: readonly View[], parts: number): Promise<View[]> {
  await whileNobodyWrites(tx)
  const followed = await prepareCursors(tx, parts)
  const registry = await readRegistry(tx)
  const due: View[] = []
  for (const view of declared) {
    const live = registry.find(one => one.live && one.name === view.name)
    if (live === undefined || (!followed && live.version !== view.version)) {
      for (const { name, columns } of view.tables) {
        await tx.exec(`drop table if exists ${tableName(name)}; create table ${tableName(name)} (${columns})`)
      }
      await register(tx, view, followed ? 0 : view.version)
      if (followed) due.push(view)
    } else if (live.frozenAt !== null) due.push(view)
    // Asked for by `prepareRebuild`, and not done when the process ended.
    else if (
      live.version === view.version &&
      registry.some(one => !one.live && one.name === view.name && one.version === view.version)
    )
      due.push(view)
    else if (live.version !== view.version) {
      due.push(view)
      if (view.former?.version !== live.version) await freeze(tx, view)
    }
  }
  await prepareTables(tx, due, declared, registry)
  return due
}

/**
 * Makes what is needed to build views anew whose declaration has not changed. The live ones go on meanwhile.
 * @returns false when something is being built already
 */
export async function prepareRebuild(tx: Transaction, views: readonly View[]): Promise<boolean> {
  await whileNobodyWrites(tx)
  const registry = await readRegistry(tx)
  if (registry.some(({ live }) => !live)) return false
  await prepareTables(tx, views, views, registry)
  return true
}

async function register(tx: Transaction, { name }: View, version: number): Promise<void> {
  await tx.query(
    `insert into analytics.views (name, live, version) values ($1, true, $2)
     on conflict (name, live) do update set version = excluded.version`,
    [name, version]
  )
}

/** Nobody knows any more how to add to it. Its rows are as of the last step. */
async function freeze(tx: Transaction, { name }: View): Promise<void> {
  await tx.query(
    `update analytics.views set frozen_at = coalesce((select min(moved_at) from eventlog_cursors.cursors where name ~ '^analytics'), now())
     where name = $1 and live`,
    [name]
  )
}

/** Goes on with what was begun, or begins anew when anything of it is of another version. */
async function prepareTables(
  tx: Transaction,
  due: readonly View[],
  declared: readonly View[],
  registry: readonly Registered[]
): Promise<void> {
  const begun = registry.filter(({ live }) => !live)
  const same = due.every(view => begun.some(one => one.name === view.name && one.version === view.version))
  if (same && begun.length === due.length) return
  const known = new Map(declared.map(view => [view.name, view]))
  for (const { name } of begun) {
    for (const table of known.get(name)?.tables ?? [{ name }]) {
      await tx.exec(`drop table if exists ${tableName(table.name, '_next')}`)
    }
  }
  await tx.query('delete from analytics.views where not live')
  await tx.query('delete from eventlog_cursors.cursors where name = $1', [rebuildCursor])
  for (const { name, version, tables } of due) {
    for (const { name: table, columns } of tables) {
      await tx.exec(`create table ${tableName(table, '_next')} (${columns})`)
    }
    await tx.query('insert into analytics.views (name, live, version) values ($1, false, $2)', [name, version])
  }
}

interface NamedCursor extends Cursor {
  name: string
}

async function readCursors(tx: Transaction): Promise<NamedCursor[]> {
  const { rows } = await tx.query<NamedCursor>('select name, xid::text as xid, position from eventlog_cursors.cursors')
  return rows.filter(({ name }) => isPartName(name))
}

/** The cursors of this many writers. True when the log has been followed already. */
async function prepareCursors(tx: Transaction, parts: number): Promise<boolean> {
  const wanted = Array.from({ length: parts }, (_, index) => cursorName({ index, of: parts }))
  const found = await readCursors(tx)
  const followed = found.some(({ xid, position }) => !reaches(start, { xid, position }))
  const place = async ({ xid, position }: Cursor) => {
    await tx.query(
      `insert into eventlog_cursors.cursors (name, xid, position) select name, $2::xid8, $3 from unnest($1::text[]) as name
       on conflict do nothing`,
      [wanted, xid, position]
    )
  }
  if (found.every(({ name }) => wanted.includes(name))) {
    await place(start)
    return followed
  }
  const [first] = found
  if (!found.every(({ xid, position }) => xid === first!.xid && position === first!.position)) {
    throw new Error(
      `the read models were written by ${found.length} writers that stand at different places; start with as many once more, let them catch up, then change their number`
    )
  }
  await tx.query('delete from eventlog_cursors.cursors where name = any($1::text[])', [found.map(({ name }) => name)])
  await place(first!)
  return followed
}

/** How many writers there are. */
export async function countParts(tx: Transaction): Promise<number> {
  return Math.max(1, (await readCursors(tx)).length)
}

/**
 * Puts what was built in the place of what is read, once it holds all that the live rows hold. Readers see the one or the
 * other; steps go on behind it. False when it is not as far yet.
 */
export async function swap(tx: Transaction, declared: readonly View[]): Promise<boolean> {
  await whileNobodyWrites(tx)
  const building = buildingOf(declared, await readRegistry(tx))
  const { rows } = await tx.query<Cursor>(
    'select xid::text as xid, position from eventlog_cursors.cursors where name = $1',
    [rebuildCursor]
  )
  const [built] = rows
  if (building.length === 0 || built === undefined) return false
  if (!(await readCursors(tx)).every(cursor => reaches(built, cursor))) return false
  for (const { name, version, tables } of building) {
    for (const table of tables) {
      await tx.exec(`drop table if exists ${tableName(table.name)};
        alter table ${tableName(table.name, '_next')} rename to ${table.name}`)
    }
    await tx.query(
      'update analytics.views set version = $2, xid = $3, position = $4, frozen_at = null where name = $1 and live',
      [name, version, built.xid, built.position]
    )
  }
  await tx.query('delete from analytics.views where not live')
  await tx.query('delete from eventlog_cursors.cursors where name = $1', [rebuildCursor])
  return true
}
