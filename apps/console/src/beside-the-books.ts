import type { LedgerAnswer, SpoolAnswer } from './api/types.ts'
import { age } from './format.ts'

/** What stands beside the books and in none of their sums: on its way here, or lost before it came. */

/** What waits on the platform's disk, as the page was last told of it. */
export interface SpoolStanding {
  spool: SpoolAnswer | undefined
  /** When the platform said so, in its own time; milliseconds. */
  confirmedAt: number | undefined
  /** Set while asking fails. */
  failing: boolean
}

export interface SpoolNote {
  events: number
  /** Of the oldest, now; undefined when none waits. Milliseconds. */
  ageMs: number | undefined
  /** Why it waits, in words. */
  why: string
  /** It is what was known last. */
  stale: boolean
}

/** Nothing to say while nothing waits and the store is there. `now` in the platform's time, milliseconds. */
export function spoolNote({ spool, confirmedAt = 0, failing }: SpoolStanding, now: number): SpoolNote | undefined {
  if (!spool || spool.events === null || (spool.events === 0 && !spool.storeAway)) return undefined
  const waits = spool.events > 0 && spool.oldestAgeMs !== null
  return {
    events: spool.events,
    // What waited then waits still, as far as anybody knows.
    ageMs: waits ? spool.oldestAgeMs! + Math.max(0, now - confirmedAt) : undefined,
    why: spool.storeAway ? 'the store is away' : 'being written to the store',
    stale: failing
  }
}

/** The note as text, but for the number that goes before it. */
export function spoolWords({ events, ageMs, why, stale }: SpoolNote): string {
  const oldest = ageMs === undefined ? [] : [events === 1 ? `for ${age(ageMs)}` : `the oldest for ${age(ageMs)}`]
  return [...oldest, why, ...(stale ? ['last known'] : [])].join(', ')
}

/** What clients said they lost, by reason, the most first. Empty when they lost nothing, or nobody knows. */
export function clientLosses(ledger: LedgerAnswer | undefined): [reason: string, events: number][] {
  return Object.entries(ledger?.clientLosses ?? {})
    .filter(([, events]) => events > 0)
    .toSorted(([a, ofA], [b, ofB]) => ofB - ofA || (a < b ? -1 : 1))
}

/** Whether there is anything in the books of a project, or beside them. */
export function hasBooks(ledger: LedgerAnswer | undefined, spool: SpoolAnswer | undefined): boolean {
  if ((spool?.events ?? 0) > 0) return true
  if (!ledger) return false
  return ledger.received > 0 || Object.keys(ledger.refused).length > 0 || clientLosses(ledger).length > 0
}
