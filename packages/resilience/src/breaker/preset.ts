import type { BreakerOptions } from './settings.ts'

/**
 * For an internal API that is fast until the day it is not: "open when it takes over 200 ms or 5 % of the calls fail".
 *
 * Exactly: a call that takes over 200 ms counts as failing, even when it succeeds. The breaker opens when at least 5 % of
 * the calls of the last 10 s are failing in either way, once there are 20 of them. It stays open for 1 s, then twice as
 * long each time that half-open fails, up to 30 s. Half-open lets 5 probes through and closes when all 5 succeed within
 * 200 ms each; one that has not answered after 1 s has failed. Once closed it lets 10 % of the calls through, rising to all
 * of them within 2 s; should 5 % of those fail, from 20 on, it opens again, for longer. A call that a deadline cut short before it had run for
 * 50 ms counts for nothing.
 */
export const slowDependency = (over: BreakerOptions = {}): BreakerOptions => ({
  window: { ms: 10_000 },
  minimumCalls: 20,
  failureRate: 0.05,
  slowCallMs: 200,
  openMs: 1_000,
  openFactor: 2,
  maxOpenMs: 30_000,
  probes: 5,
  successThreshold: 5,
  probeTimeoutMs: 1_000,
  rampMs: 2_000,
  tooShortMs: 50,
  ...over
})
