/** Of 5xx those that may pass; and those of 4xx that say "not now": RFC 9110, RFC 6585 and RFC 8470. */
const FAILURES = new Set([408, 425, 429, 500, 502, 503, 504])

/**
 * What a status means to a policy. A `failure` is an error: it is retried, counted, answered for by a fallback. Any other
 * status is an `answer`, 404 as much as 200, and so is 501: no second try would change it.
 */
export const statusDecision = (status: number): 'answer' | 'failure' => (FAILURES.has(status) ? 'failure' : 'answer')

/**
 * For a breaker's `failsOn`: of errors with a `status` or `statusCode` those from 500 on, and all errors without one. A 429
 * or 404 that is thrown is no sign that the dependency is down.
 */
export function failsOnStatus(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return true
  const { status, statusCode = status } = error as { status?: unknown; statusCode?: unknown }
  return typeof statusCode === 'number' ? statusCode >= 500 : true
}

/** The server answered with a status that is a failure. Its body has been read or cancelled. */
export class HttpStatusError extends Error {
  override readonly name = 'HttpStatusError'
  readonly code = 'RESILIENCE_HTTP_STATUS'
  readonly status: number
  /** What `Retry-After` asks for, in milliseconds; `null` when it says nothing. */
  readonly retryAfterMs: number | null
  /** False when the server says, by `X-Retry-Budget: exhausted`, that its retry budget is spent: no retry repeats it. */
  readonly retryable: boolean

  constructor(
    what: string,
    { status, retryAfterMs, retryable }: { status: number; retryAfterMs: number | null; retryable: boolean }
  ) {
    super(`${what} was answered with ${status}`)
    this.status = status
    this.retryAfterMs = retryAfterMs
    this.retryable = retryable
  }
}
