import type { Priority } from './priority.ts'

/** What every error of this package has: a stable `code` and the name of the policy it comes from. */
export abstract class ResilienceError extends Error {
  abstract readonly code: string
  /** The policy's name. */
  readonly policy: string
  /** True when the policy itself turned the call away: the dependency was not asked and nothing is known about it. */
  readonly rejected: boolean

  constructor(policy: string, message: string, rejected: boolean, options?: ErrorOptions) {
    super(`${policy}: ${message}`, options)
    this.policy = policy
    this.rejected = rejected
  }
}

/** A `timeout` part fired. Also the `reason` of the aborted signal. */
export class TimeoutError extends ResilienceError {
  override readonly name = 'TimeoutError'
  readonly code = 'RESILIENCE_TIMEOUT'
  readonly timeoutMs: number

  constructor(policy: string, timeoutMs: number) {
    super(policy, `no answer within ${timeoutMs} ms`, false)
    this.timeoutMs = timeoutMs
  }
}

/** The deadline is over. `rejected` tells whether the call was not even begun. */
export class DeadlineExceededError extends ResilienceError {
  override readonly name = 'DeadlineExceededError'
  readonly code = 'RESILIENCE_DEADLINE_EXCEEDED'
  /** True when it was the caller's deadline, handed to `run`, and not the policy's own. */
  readonly incoming: boolean

  constructor(policy: string, { incoming, begun }: { incoming: boolean; begun: boolean }) {
    const whose = incoming ? "the caller's deadline" : 'the deadline'
    super(policy, begun ? `${whose} passed before an answer came` : `${whose} leaves no time to begin`, !begun)
    this.incoming = incoming
  }
}

/** The breaker is open, half-open with all its probes out, or has just closed and lets in a part of the calls only. */
export class BreakerOpenError extends ResilienceError {
  override readonly name = 'BreakerOpenError'
  readonly code = 'RESILIENCE_BREAKER_OPEN'
  /** When to try again, in milliseconds from now. */
  readonly retryAfterMs: number

  constructor(policy: string, retryAfterMs: number) {
    super(policy, `the circuit is open; try again in ${Math.ceil(retryAfterMs)} ms`, true)
    this.retryAfterMs = retryAfterMs
  }
}

export type BulkheadRefusal = 'full' | 'queue-timeout' | 'displaced' | 'key-full'

/**
 * The bulkhead has no room, or gave none within `queueTimeoutMs`. `displaced`: it waited, and a call of a higher priority
 * took its place. `key-full`: others of its own key have all that one key may have.
 */
export class BulkheadFullError extends ResilienceError {
  override readonly name = 'BulkheadFullError'
  readonly code = 'RESILIENCE_BULKHEAD_FULL'
  readonly reason: BulkheadRefusal

  constructor(policy: string, reason: BulkheadRefusal, message: string) {
    super(policy, message, true)
    this.reason = reason
  }
}

/** More came than the rate limit lets in. */
export class RateLimitedError extends ResilienceError {
  override readonly name = 'RateLimitedError'
  readonly code = 'RESILIENCE_RATE_LIMITED'
  /**
   * When it would have been let in, in milliseconds from now. Infinity: its cost is more than can be taken at once, and
   * there is no use in coming back.
   */
  readonly retryAfterMs: number

  constructor(policy: string, retryAfterMs: number) {
    const when =
      retryAfterMs === Infinity
        ? 'it costs more than may be taken at once'
        : `try again in ${Math.ceil(retryAfterMs)} ms`
    super(policy, `the rate limit is reached; ${when}`, true)
    this.retryAfterMs = retryAfterMs
  }
}

/** The concurrency limit has no room for a call of this priority. */
export class ConcurrencyLimitedError extends ResilienceError {
  override readonly name = 'ConcurrencyLimitedError'
  readonly code = 'RESILIENCE_OVERLOADED'
  readonly priority: Priority
  /** When to try again, in milliseconds from now: what a call takes at present. */
  readonly retryAfterMs: number

  constructor(policy: string, priority: Priority, limit: number, retryAfterMs: number) {
    super(
      policy,
      `no room for a ${priority} call at a limit of ${limit} at once; try again in ${retryAfterMs} ms`,
      true
    )
    this.priority = priority
    this.retryAfterMs = retryAfterMs
  }
}

/** A retry was due, but its budget is spent. `cause` is the last error. A layer above must not retry this either. */
export class RetryBudgetExhaustedError extends ResilienceError {
  override readonly name = 'RetryBudgetExhaustedError'
  readonly code = 'RESILIENCE_RETRY_BUDGET_EXHAUSTED'
  /** How often the function was called. */
  readonly attempts: number

  constructor(policy: string, attempts: number, cause: unknown) {
    super(
      policy,
      `failed after ${attempts === 1 ? 'one attempt' : `${attempts} attempts`}, and the retry budget is spent`,
      false,
      { cause }
    )
    this.attempts = attempts
  }
}

/** Not thrown: the `reason` of the signal of a call that was made twice by a `hedge` and whose other half answered first. */
export class HedgeLostError extends ResilienceError {
  override readonly name = 'HedgeLostError'
  readonly code = 'RESILIENCE_HEDGE_LOST'

  constructor(policy: string) {
    super(policy, 'the other of two calls answered first', false)
  }
}

/** Whether a policy turned the call away by itself, so that nothing is known about the dependency. */
export const isRejection = (error: unknown): error is ResilienceError =>
  error instanceof ResilienceError && error.rejected

/** Rejections are made by the thousand a second in an outage, and a stack trace is the dear part of an error. */
export function withoutStack<E extends Error>(make: () => E): E {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return make()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}
