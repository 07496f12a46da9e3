import { createHash } from 'node:crypto'
import type { Database, Queryable } from '@plimsoll/database'
import type { LogEntry } from '@plimsoll/eventlog'
import { applyEntries } from './apply.ts'
import type { Part } from './parts.ts'
import { readRegistry, runningOf } from './registry.ts'
import { SketchCache } from './sketch-cache.ts'
import type { View } from './view.ts'

/** Adds entries to the live views, in a transaction of their own. */
export function applyTo(
  store: Database,
  declared: readonly View[],
  entries: readonly LogEntry[],
  { cache = new SketchCache(), part = { index: 0, of: 1 } }: { cache?: SketchCache; part?: Part } = {}
): Promise<unknown> {
  return store.transaction(async tx => {
    const running = runningOf(declared, await readRegistry(tx))
    return applyEntries(tx, entries, running, { suffix: '', part: part.index, cache }, part)
  })
}

/** Refreshes the periodic views to the end, as the service does piece by piece. */
export async function refreshAll(store: Database, declared: readonly View[]): Promise<void> {
  for (const { refresh } of declared) {
    if (refresh.mode !== 'periodic') continue
    const memory = new Map<string, unknown>()
    while ((await store.transaction(tx => refresh.run(tx, '', memory))).more);
  }
}

/** Every row of every view, whatever the order of its columns and rows, as one hash. What waits for a refresh is no row of a view. */
export async function hashOf(store: Queryable, declared: readonly View[]): Promise<string> {
  const hash = createHash('sha256')
  for (const { name } of declared.flatMap(view => view.tables)) {
    if (name === 'seen') continue
    const { rows } = await store.query<{ row: string }>(
      `select to_jsonb(t)::text as row from analytics.${name} t order by 1`
    )
    for (const { row } of rows) hash.update(`${name} ${row}\n`)
  }
  return hash.digest('hex')
}

export async function emptyAll(store: Database, declared: readonly View[]): Promise<void> {
  const tables = declared.flatMap(view => view.tables.map(({ name }) => name)).concat('features')
  await store.exec(`truncate ${tables.map(table => `analytics.${table}`).join(', ')}`)
}
