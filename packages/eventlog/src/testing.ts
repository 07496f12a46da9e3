export { given, type Then, type When } from './decider/given.ts'

import { setImmediate as turn } from 'node:timers/promises'
import type { Database } from '@plimsoll/database'
import { type Cursor, type StoredEntry, start } from './entry.ts'
import { readLog } from './log.ts'

/**
 * Everything that is committed after `from`, for a test. A page of `readLog` ends at the horizon, and on a server that
 * is the oldest transaction of any database on it: other tests' too. So this looks until nothing is held back.
 */
export async function readWholeLog(db: Database, from: Cursor = start): Promise<StoredEntry[]> {
  const found: StoredEntry[] = []
  let cursor = from
  for (;;) {
    const { entries, caughtUp } = await readLog(db, cursor, 1_000)
    found.push(...entries)
    const last = entries.at(-1)
    if (last) cursor = { xid: last.xid, position: last.position }
    if (caughtUp) return found
    await turn()
  }
}
