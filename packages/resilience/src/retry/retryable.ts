import { DeadlineExceededError, isRejection, RetryBudgetExhaustedError } from '../errors.ts'
import { saysNotToRetry } from './budget-header.ts'

/** Statuses that say "not now" rather than "not like this": RFC 9110 and RFC 8470. */
const WORTH_RETRYING = new Set([408, 425, 429, 500, 502, 503, 504])

/**
 * Whether another try could end better. What a policy turned away by itself, a spent budget and a deadline are not tried
 * again, nor is an error that says `retryable: false` of itself; one with a `status` or `statusCode` is when that is 408,
 * 425, 429, 500, 502, 503 or 504; every other error is.
 */
export function isRetryable(error: unknown): boolean {
  if (isRejection(error) || error instanceof RetryBudgetExhaustedError || error instanceof DeadlineExceededError) {
    return false
  }
  if (saysNotToRetry(error)) return false
  if (typeof error !== 'object' || error === null) return true
  const { status, statusCode = status } = error as { status?: unknown; statusCode?: unknown }
  return typeof statusCode === 'number' ? WORTH_RETRYING.has(statusCode) : true
}
