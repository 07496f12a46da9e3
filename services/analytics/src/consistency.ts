import { type Cursor, isAfter } from '@plimsoll/eventlog'
import { Problem, problem } from '@plimsoll/http'
import type { Consistency } from './contract.ts'

/**
 * How new an answer must be, as its caller says. A position is a place in the log; the write side tells one with what it has
 * taken, and whoever passes it on sees at least that.
 */

const written = /^(\d{1,20})\.(\d{1,16})$/

export const positionText = ({ xid, position }: Cursor) => `${xid}.${position}`

/** @throws Problem 400 `invalid_position` */
export function positionOf(text: string): Cursor {
  const [, xid, position] = written.exec(text) ?? []
  if (xid === undefined || position === undefined) {
    throw problem(400, 'invalid_position', 'minPosition is what an answer of the write side has in Plimsoll-Position.')
  }
  return { xid: BigInt(xid).toString(), position: Number(position) }
}

export interface Demand {
  consistency?: Consistency
  minPosition?: string
}

/**
 * The place in the log that an answer must hold, if any. `billing` asks for all that was committed before the question, so
 * that no bill is made from a number that is still growing.
 * @throws Problem 400 `unknown_position` when that would be behind the end of the log
 */
export async function demandedPosition(
  { consistency, minPosition }: Demand,
  head: () => Promise<Cursor>
): Promise<Cursor | undefined> {
  const least = minPosition === undefined ? undefined : positionOf(minPosition)
  if (consistency !== 'billing') return least
  const all = await head()
  if (least && isAfter(least, all)) throw notInTheLog(least, all)
  return all
}

/** Whoever has a position has it from a commit, so one behind the end of the log will not come by waiting. */
export function notInTheLog(demanded: Cursor, head: Cursor): Problem {
  const detail = `There is no ${positionText(demanded)}: the log ends at ${positionText(head)}. minPosition is what an answer of the write side had in Plimsoll-Position; one from before a restore is of no use.`
  return problem(400, 'unknown_position', detail)
}

/** The caller's time is up, or the store's answer is older than what was asked for. Says where the read side stands. */
export function notReached(demanded: Cursor, cursor: Cursor, lagMs: number): Problem {
  const [wanted, position] = [positionText(demanded), positionText(cursor)]
  const detail = `The read side stands at ${position} and has not come to ${wanted} in the time there was. Ask again, or ask with consistency=eventual for what there is.`
  return new Problem(503, 'position_not_reached', detail, {
    headers: { 'retry-after': '1' },
    extra: { position, minPosition: wanted, lagMs }
  })
}

/** The log could not say how far it goes, or not in time, and nothing less is good enough for a bill. */
export function headUnknown(isLate: boolean): Problem {
  const [code, detail] = isLate
    ? ['log_slow', 'The log did not say in the time there was how far it goes; ask again.']
    : ['log_unavailable', 'The log cannot be asked how far it goes; ask again.']
  return new Problem(503, code, detail, { headers: { 'retry-after': '2' } })
}
