import { setImmediate as turn } from 'node:timers/promises'
import type { Database } from '@plimsoll/database'
import { type Cursor, isAfter, parseEntry, readLog, start } from '@plimsoll/eventlog'
import { readDecisions } from './decisions.ts'
import type { LedgerEntry } from './ledger/entry.ts'
import { hashOf, Replay } from './ledger/replay.ts'
import type { Settling } from './settling.ts'
import { readBooks } from './store.ts'

const pageEntries = 1_000

export interface Recomputed {
  /** Entries of the log that were read. */
  entries: number
  cursor: Cursor
  live: string
  replayed: string
  /** False when the log was cut: it no longer holds all that the books count, or did not when they were made again. */
  complete: boolean
}

interface RecomputeOptions {
  log: Database
  store: Database
  settling: Settling
  signal: AbortSignal
}

const monthOf = ({ project, month }: LedgerEntry) => `${project} ${month}`

/**
 * Makes the books again in memory, from zero up to where the live ones stand, by the log and the decisions, and compares hashes.
 * Takes turns with whoever else needs this thread.
 */
export async function recompute({ log, store, settling, signal }: RecomputeOptions): Promise<Recomputed> {
  const { decided } = await settling.now()
  const live = await readBooks(store)
  // One that was decided on after the first look may be in the live ledger already, or not yet.
  const inLive = new Set(live.ledger.flatMap(line => (line.kind === 'invoice' ? [monthOf(line)] : [])))
  const before = new Set(decided.map(monthOf))
  const decisions = await readDecisions(log)
  const replay = new Replay(decisions.filter(line => before.has(monthOf(line)) || inLive.has(monthOf(line))))
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
  const complete = entries === live.entries && live.wholeFrom === undefined
  return { entries, cursor: live.cursor, live: hashOf(live), replayed: hashOf(replay.books()), complete }
}
