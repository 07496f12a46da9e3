import type { Database } from '@plimsoll/database'
import { type Cursor, headOf, isAfter } from '@plimsoll/eventlog'
import { Problem, problem } from '@plimsoll/http'
import type { MonthQuery } from './contract.ts'

/** Places in the log as callers tell them: what the write side says in `Plimsoll-Position`. */

export const positionText = ({ xid, position }: Cursor) => `${xid}.${position}`

/** The schema has let only places through. */
export function positionOf(text: string): Cursor {
  const [xid = '0', position = '0'] = text.split('.')
  return { xid, position: Number(position) }
}

/** What an answer must hold, if anything. @throws Problem 400 `unknown_position` when the log ends before it */
export async function demandedBy(
  { consistency, minPosition }: MonthQuery,
  log: Database,
  withinMs: number
): Promise<Cursor | undefined> {
  if (minPosition === undefined && consistency !== 'billing') return undefined
  const all = await headWithin(log, withinMs)
  const least = minPosition === undefined ? all : positionOf(minPosition)
  if (isAfter(least, all)) {
    throw problem(
      400,
      'unknown_position',
      'The log ends before this minPosition: it is of another log, or was made up.'
    )
  }
  return consistency === 'billing' ? all : least
}

/** The end of the log as it is now. @throws Problem 503 `log_slow` when it does not say in time, `log_unavailable` when it cannot */
export async function headWithin(log: Database, ms: number): Promise<Cursor> {
  const late = Promise.withResolvers<'late'>()
  const timer = setTimeout(late.resolve, Math.max(0, ms), 'late')
  const head = await Promise.race([headOf(log).catch(() => undefined), late.promise])
  clearTimeout(timer)
  if (head === 'late')
    throw headUntold('log_slow', 'The log did not say in the time there was how far it goes; ask again.')
  if (!head) throw headUntold('log_unavailable', 'The log cannot be asked how far it goes; ask again.')
  return head
}

const headUntold = (code: string, detail: string) => new Problem(503, code, detail, { headers: { 'retry-after': '2' } })

export function notReached(demanded: Cursor, cursor: Cursor, lagMs: number): Problem {
  const [wanted, position] = [positionText(demanded), positionText(cursor)]
  const detail = `Billing stands at ${position} and has not come to ${wanted} in the time there was. Ask again.`
  return new Problem(503, 'position_not_reached', detail, {
    headers: { 'retry-after': '1' },
    extra: { position, minPosition: wanted, lagMs }
  })
}
