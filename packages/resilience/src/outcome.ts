import type { Source } from './call.ts'
import {
  BreakerOpenError,
  BulkheadFullError,
  ConcurrencyLimitedError,
  isRejection,
  RateLimitedError,
  type ResilienceError
} from './errors.ts'

/** Which part turned a call away. */
type RejectedBy = 'breaker' | 'bulkhead' | 'rate-limit' | 'concurrency-limit' | 'deadline'

/** How a call ended, as a value. */
export type Outcome<T> =
  /** `source` says whether it was called, remembered (`cache`), past its time (`stale`) or a `fallback`. */
  | { kind: 'ok'; value: T; source: Source; ageMs: number }
  /** The function failed, or was too slow. */
  | { kind: 'failed'; error: unknown }
  /** The policy turned it away. Nothing is known about the dependency. `retryAfterMs` is null when it cannot be said. */
  | { kind: 'rejected'; by: RejectedBy; retryAfterMs: number | null; error: ResilienceError }
  /** Its caller gave it up. `error` is the reason of the caller's signal. */
  | { kind: 'aborted'; error: unknown }

export function outcomeOfError(error: unknown, aborted: boolean): Outcome<never> {
  if (aborted) return { kind: 'aborted', error }
  if (error instanceof BreakerOpenError) {
    return { kind: 'rejected', by: 'breaker', retryAfterMs: error.retryAfterMs, error }
  }
  if (error instanceof BulkheadFullError) return { kind: 'rejected', by: 'bulkhead', retryAfterMs: null, error }
  if (error instanceof RateLimitedError) {
    return { kind: 'rejected', by: 'rate-limit', retryAfterMs: error.retryAfterMs, error }
  }
  if (error instanceof ConcurrencyLimitedError) {
    return { kind: 'rejected', by: 'concurrency-limit', retryAfterMs: error.retryAfterMs, error }
  }
  if (isRejection(error)) return { kind: 'rejected', by: 'deadline', retryAfterMs: null, error }
  return { kind: 'failed', error }
}
