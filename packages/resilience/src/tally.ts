/** What a policy counted since it was made. Every number only grows. What every call touches stands first, together. */
export interface Tally {
  /** Calls of `run` and `outcome`. */
  calls: number
  /** Times the function was called. */
  invocations: number
  ok: number
  /** Calls that ended in an error of the function, a timeout or a deadline. */
  failed: number
  /** Calls that the policy turned away by itself. */
  rejected: number
  /** Calls that their caller gave up. Neither ok nor failed. */
  aborted: number
  timeouts: number
  /** Calls that a timeout in shadow mode would have ended. */
  timeoutsWouldFire: number
  deadlines: number
  retries: number
  /** Retries that were due but for which the budget had nothing left. */
  retriesDenied: number
  /** Second calls that a hedge began. */
  hedges: number
  /** Those of them that answered first. */
  hedgesWon: number
  /** Hedges that were due but for which the budget had nothing left. */
  hedgesDenied: number
  breakerRejections: number
  /** Calls that a breaker in shadow mode would have turned away. */
  breakerWouldReject: number
  bulkheadRejections: number
  rateLimitRejections: number
  /** Times that the store of a rate limit failed or was too slow. */
  rateLimitStoreFailures: number
  concurrencyLimitRejections: number
  fallbacks: number
  cacheHits: number
  /** Answers from the cache that were past their time, because the dependency failed. */
  cacheStale: number
  /** Answers past their time, given at once because one call renews them. */
  cacheRevalidated: number
  /** Calls made in the background to renew such an answer, and those of them that failed. */
  cacheRefreshes: number
  cacheRefreshesFailed: number
  /** Calls answered with an error that was remembered. */
  cacheErrors: number
  /** Calls that shared the flight of another. */
  cacheJoined: number
  /** Results and errors that came after the call had been answered, and were dropped. */
  late: number
  /** Listeners that threw. */
  listenerErrors: number
}

export const newTally = (): Tally => ({
  calls: 0,
  invocations: 0,
  ok: 0,
  failed: 0,
  rejected: 0,
  aborted: 0,
  timeouts: 0,
  timeoutsWouldFire: 0,
  deadlines: 0,
  retries: 0,
  retriesDenied: 0,
  hedges: 0,
  hedgesWon: 0,
  hedgesDenied: 0,
  breakerRejections: 0,
  breakerWouldReject: 0,
  bulkheadRejections: 0,
  rateLimitRejections: 0,
  rateLimitStoreFailures: 0,
  concurrencyLimitRejections: 0,
  fallbacks: 0,
  cacheHits: 0,
  cacheStale: 0,
  cacheRevalidated: 0,
  cacheRefreshes: 0,
  cacheRefreshesFailed: 0,
  cacheErrors: 0,
  cacheJoined: 0,
  late: 0,
  listenerErrors: 0
})
