import type { Database } from '@plimsoll/database'
import { type Cursor, headOf, isAfter } from '@plimsoll/eventlog'
import { Problem } from '@plimsoll/http'
import type { MonthQuery } from './contract.ts'

/** Places in the log as callers tell them: what the write side says in `Plimsoll-Position`. */

export const positionText = ({ xid, position }: Cursor) => `${xid}.${position}`

/** The schema has let only places through. */
export function positionOf(text: string): Cursor {
  const [xid = '0', position = '0'] = text.split('.')
  return { xid, position: Number(position) }
}

/** What an answer must hold, if anything. */
export async function demandedBy(
  { consistency, minPosition }: MonthQuery,
  log: Database,
  withinMs: number
): Promise<Cursor | undefined> {
  const least = minPosition === undefined ? undefined : positionOf(minPosition)
  if (consistency !== 'billing') return least
  const all = await headWithin(log, withinMs)
  return least && isAfter(least, all) ? least : all
}

/** The end of the log as it is now. @throws Problem 503 `log_unavailable` when it does not say in time */
export async function headWithin(log: Database, ms: number): Promise<Cursor> {
  const late = Promise.withResolvers<undefined>()
  const timer = setTimeout(late.resolve, Math.max(0, ms), undefined)
  const head = await Promise.race([headOf(log).catch(() => undefined), late.promise])
  clearTimeout(timer)
  if (head) return head
  throw new Problem(503, 'log_unavailable', 'The log cannot be asked how far it goes; ask again.', {
    headers: { 'retry-after': '2' }
  })
}

export function notReached(demanded: Cursor, cursor: Cursor, lagMs: number): Problem {
  const [wanted, position] = [positionText(demanded), positionText(cursor)]
  const detail = `Billing stands at ${position} and has not come to ${wanted} in the time there was. Ask again.`
  return new Problem(503, 'position_not_reached', detail, {
    headers: { 'retry-after': '1' },
    extra: { position, minPosition: wanted, lagMs }
  })
}
