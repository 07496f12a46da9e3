/** What a check is held to be, and what speaks against it. */
export interface Streak {
  readonly status: 'unknown' | 'pass' | 'fail'
  /** Results one after another that were otherwise than the status says. */
  readonly against: number
}

export const UNKNOWN: Streak = { status: 'unknown', against: 0 }

/**
 * The first result decides at once; after that it takes `failAfter` failures or `passAfter` successes in a row to change
 * it, so that a dependency that comes and goes does not make a replica come and go with it. Pure.
 */
export function nextStreak(streak: Streak, ok: boolean, after: { failAfter: number; passAfter: number }): Streak {
  const result = ok ? 'pass' : 'fail'
  if (streak.status === 'unknown') return { status: result, against: 0 }
  if (streak.status === result) return { status: result, against: 0 }
  const against = streak.against + 1
  return against >= (ok ? after.passAfter : after.failAfter)
    ? { status: result, against: 0 }
    : { status: streak.status, against }
}
