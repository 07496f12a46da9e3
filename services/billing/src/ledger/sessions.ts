import type { LogEntry } from '@plimsoll/eventlog'
import { PoisonMessageError } from '@plimsoll/pubsub'

/**
 * What an entry of the log does to the billable sessions. What a session is was decided where it was written (0014): its entry
 * carries the visits that it took away and those that it put there, each `[startedAt, …]`. A visit is billed in the month (UTC)
 * in which it began. So counts are sums, whatever the order and the batches.
 */

/** The visits of one month, more or fewer. */
export interface Change {
  /** The first day of the month, as 2026-11-01. */
  month: string
  sessions: number
}

type Told = readonly unknown[] | null

/** Empty when the entry moves no count. @throws PoisonMessageError when the change is not as agreed */
export function changesOf({ change, id }: Pick<LogEntry, 'change' | 'id'>): Change[] {
  if (change === null || change === undefined) return []
  if (!Array.isArray(change) || change.length !== 2) throw notAgreed(id)
  const [was, is] = [startsIn(change[0] as Told, id), startsIn(change[1] as Told, id)]
  if (was.length === 1 && is.length === 1 && monthOf(was[0]!) === monthOf(is[0]!)) return []
  const months = new Map<string, number>()
  for (const [starts, n] of [
    [was, -1],
    [is, 1]
  ] as const) {
    for (const at of starts) {
      const month = monthOf(at)
      months.set(month, (months.get(month) ?? 0) + n)
    }
  }
  return [...months].filter(([, sessions]) => sessions !== 0).map(([month, sessions]) => ({ month, sessions }))
}

/** Undefined when the change is not as agreed: no books take it, whoever makes them. It is parked, or was discarded. */
export function readable(entry: Pick<LogEntry, 'change' | 'id'>): Change[] | undefined {
  try {
    return changesOf(entry)
  } catch (error) {
    if (error instanceof PoisonMessageError) return undefined
    throw error
  }
}

function startsIn(told: Told, id: string): number[] {
  if (told === null) return []
  if (!Array.isArray(told)) throw notAgreed(id)
  const visits = told.length > 0 && Array.isArray(told[0]) ? told : [told]
  return visits.map(visit => {
    const [at] = visit as unknown[]
    // The months of a calendar of four digits.
    if (typeof at !== 'number' || !(at >= -62_135_596_800_000 && at < 253_402_300_800_000)) throw notAgreed(id)
    return at
  })
}

const notAgreed = (id: string) => new PoisonMessageError(`entry ${id} has a change that is not as agreed`)

let last = { from: 0, to: 0, month: '' }

/** Entries come by time, nearly, and a date costs more than all the rest. */
export function monthOf(at: number): string {
  if (at >= last.from && at < last.to) return last.month
  const date = new Date(at)
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
  const from = new Date(0)
  from.setUTCFullYear(year, month, 1)
  const to = new Date(0)
  to.setUTCFullYear(year, month + 1, 1)
  last = { from: from.getTime(), to: to.getTime(), month: from.toISOString().slice(0, 10) }
  return last.month
}

/** When a month is over, in milliseconds since 1970. */
export function endOf(month: string): number {
  const date = new Date(`${month}T00:00:00.000Z`)
  date.setUTCMonth(date.getUTCMonth() + 1)
  return date.getTime()
}
