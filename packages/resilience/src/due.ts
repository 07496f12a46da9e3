import { orNone } from './call.ts'
import { checkMs } from './part.ts'

/**
 * As far from now as a deadline may be, either way: as long as a timer can wait, 24 days. Clocks that are taken for each
 * other are further apart: the time of day is 56 years ahead of one that began with the process.
 */
const FURTHEST_MS = 2 ** 31 - 1

export interface Due {
  deadline?: number | undefined
  withinMs?: number | undefined
}

/**
 * The instant by which a caller wants its answer, or null when it does not say.
 * @param now what the policy's clock says
 * @throws RangeError for a deadline that is no number, or that another clock must have told, and for a `withinMs` below 0.
 */
export function dueAt({ deadline = Infinity, withinMs = Infinity }: Due, now: number): number | null {
  if (deadline !== Infinity) checkInstant(deadline, now)
  if (withinMs !== Infinity) checkMs('withinMs', withinMs, { zero: true, endless: true })
  return orNone(Math.min(deadline, now + withinMs))
}

function checkInstant(deadline: number, now: number): void {
  const away = deadline - now
  // Written so that NaN does not pass.
  if (Math.abs(away) <= FURTHEST_MS) return
  const found = Number.isNaN(away) ? 'is no number' : `is ${days(Math.abs(away))} days ${away > 0 ? 'ahead' : 'ago'}`
  throw new RangeError(
    `deadline is an instant of the policy's clock, which says ${Math.round(now)}, and ${deadline} ${found}: ` +
      'take `policy.clock.now() + ms`, or say `withinMs` instead'
  )
}

const days = (ms: number): string => Math.round(ms / 86_400_000).toLocaleString('en-GB')
