import type { Pace } from './ports.ts'

/**
 * When to try again. Back-off with full jitter (Marc Brooker, "Exponential Backoff And Jitter", AWS 2015), and a retry
 * budget (Google SRE book, "Handling Overload"): a retry costs a token, a request that succeeded gives a fifth of one,
 * so that fast retries are at most a sixth of all requests beyond the first ten. Without a token the longest wait holds.
 */
const firstMs = 1_000
export const longestMs = 5 * 60_000
/** After 401, 403, 404 and the like: somebody has to mend the settings. */
const refusedMs = 15 * 60_000
/** No wait is longer, whatever was said or the clock did. */
const mostMs = 86_400_000
const mostTokens = 10
const refund = 0.2

export const freshPace: Pace = { until: 0, failures: 0, told: false, tokens: mostTokens }

export const afterSuccess = ({ tokens }: Pace): Pace => ({
  ...freshPace,
  tokens: Math.min(mostTokens, tokens + refund)
})

/** Before an attempt: one that follows a failure is a retry and is paid for. */
export const paid = (pace: Pace): Pace =>
  pace.failures === 0 ? pace : { ...pace, tokens: Math.max(0, pace.tokens - 1) }

export interface Failure {
  /** What `Retry-After` asked for, in milliseconds. */
  retryAfterMs?: number | undefined
  /** The answer was that this request will never be taken as it is. */
  refused?: boolean
}

export function afterFailure(pace: Pace, { retryAfterMs, refused }: Failure, now: number, random: number): Pace {
  const ceiling = Math.min(longestMs, firstMs * 2 ** Math.min(pace.failures, 20))
  const wait = refused
    ? refusedMs * (0.5 + random)
    : pace.tokens < 1
      ? longestMs * (0.5 + random / 2)
      : ceiling * random
  const told = retryAfterMs !== undefined
  return {
    until: now + Math.min(mostMs, wait + (retryAfterMs ?? 0)),
    failures: pace.failures + 1,
    told: told || refused === true,
    tokens: pace.tokens
  }
}

/** Milliseconds still to wait. A clock that was set back does not make it longer than the longest wait there is. */
export function waitOf({ until }: Pace, now: number): number {
  return until - now > mostMs ? 0 : Math.max(0, until - now)
}

/**
 * The milliseconds of a `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date, which is measured against the
 * answer's own `Date` because the clock here may be wrong.
 */
export function retryAfterOf(header: string | null, date: string | null, now: number): number | undefined {
  if (header === null) return undefined
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - (Date.parse(date ?? '') || now)
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}
