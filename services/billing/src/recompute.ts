import { setImmediate as turn } from 'node:timers/promises'
import type { Database } from '@plimsoll/database'
import { type Cursor, isAfter, parseEntry, readLog, start } from '@plimsoll/eventlog'
import { hashOf, Replay } from './ledger/replay.ts'
import { readBooks } from './store.ts'

const pageEntries = 1_000

export interface Recomputed {
  /** Entries of the log that were read. */
  entries: number
  cursor: Cursor
  live: string
  replayed: string
  /** False when the log was cut: it no longer holds all that the books count. */
  complete: boolean
}

/**
 * Makes the books again in memory, from zero up to where the live ones stand, and compares hashes. Takes turns with whoever
 * else needs this thread.
 */
export async function recompute(log: Database, store: Database, signal: AbortSignal): Promise<Recomputed> {
  const live = await readBooks(store)
  const replay = new Replay(live.ledger.filter(({ kind }) => kind === 'invoice'))
  for (let cursor = start; isAfter(live.cursor, cursor); ) {
    signal.throwIfAborted()
    const { entries } = await readLog(log, cursor, pageEntries)
    const within = entries.filter(entry => !isAfter(entry, live.cursor))
    for (const entry of within) replay.take(parseEntry({ ...entry, data: null }))
    const last = within.at(-1)
    if (!last || within.length < entries.length) break
    cursor = { xid: last.xid, position: last.position }
    await turn()
  }
  const { entries } = replay
  const complete = entries === live.entries
  return { entries, cursor: live.cursor, live: hashOf(live), replayed: hashOf(replay.books()), complete }
}
