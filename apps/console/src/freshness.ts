import type { Freshness } from './api/types.ts'
import { age, lag, percent, timeOfDay } from './format.ts'

/** What a badge says about the numbers beside it (promise P6). */
export interface Badge {
  tone: 'live' | 'behind' | 'stale' | 'waiting'
  /** The first part is the one that must be read. */
  parts: string[]
}

export interface Standing {
  /** Absent: no answer yet. The ledger names no lag of its own. */
  freshness: (Omit<Freshness, 'lagMs'> & { lagMs: number | undefined }) | undefined
  /** The newest instant at which the platform confirmed the answer; milliseconds. Absent: never. */
  confirmedAt: number | undefined
  /** Set while asking fails. */
  failing: boolean
  /** The answer is for another range or filter than the one now chosen. */
  superseded: boolean
}

/** `now` in the platform's time, milliseconds. */
export function describe(standing: Standing, now: number): Badge {
  const { freshness, failing, superseded } = standing
  const lagMs = freshness?.lagMs
  if (freshness === undefined) {
    return failing
      ? { tone: 'stale', parts: ['no answer yet', 'trying again'] }
      : { tone: 'waiting', parts: ['asking …'] }
  }
  const asOf = asOfTime(standing)
  const unknown = freshness.unknownShare > 0 ? [`${percent(freshness.unknownShare)} unknown`] : []
  if (freshness.stale || failing) {
    const old = `stale: last good answer, ${age(now - asOf)} old`
    const former = superseded ? ['not yet the view now chosen'] : []
    return { tone: 'stale', parts: [old, `as of ${timeOfDay(asOf)} UTC`, ...former, ...unknown] }
  }
  if (superseded) return { tone: 'waiting', parts: ['asking for the new view …'] }
  const parts = [
    `as of ${timeOfDay(asOf)} UTC`,
    ...(lagMs === undefined ? [] : [`lag ${lag(lagMs)}`]),
    freshness.complete ? 'complete' : 'catching up'
  ]
  return { tone: freshness.complete ? 'live' : 'behind', parts: [...parts, ...unknown] }
}

/**
 * An unchanged answer (304) that was complete is still complete, so it is as of its confirmation. One that was behind
 * or stale keeps its own time: that nothing changed does not make it newer.
 */
function asOfTime({ freshness, confirmedAt }: Standing): number {
  const own = Date.parse(freshness?.asOf ?? '')
  if (freshness?.complete && !freshness.stale && confirmedAt !== undefined) return Math.max(own, confirmedAt)
  return own
}
