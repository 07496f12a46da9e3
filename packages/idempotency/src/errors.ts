/** What every error of this package has: a stable `code`, and the HTTP status that says the same. */
export abstract class IdempotencyError extends Error {
  abstract readonly code: string
  abstract readonly status: number
}

/** The request has no key, and here one is required. Nothing was done. */
export class IdempotencyKeyMissingError extends IdempotencyError {
  override readonly name = 'IdempotencyKeyMissingError'
  readonly code = 'IDEMPOTENCY_KEY_MISSING'
  readonly status = 400

  constructor() {
    super('This request needs an Idempotency-Key header: a value of your own, such as a UUID, the same for each retry.')
  }
}

/** The header is not a key: empty, too long, unprintable, or sent twice. Nothing was done. */
export class IdempotencyKeyInvalidError extends IdempotencyError {
  override readonly name = 'IdempotencyKeyInvalidError'
  readonly code = 'IDEMPOTENCY_KEY_INVALID'
  readonly status = 400
}

/** The key belongs to a request with another method, target or body. Nothing was done. */
export class IdempotencyKeyReusedError extends IdempotencyError {
  override readonly name = 'IdempotencyKeyReusedError'
  readonly code = 'IDEMPOTENCY_KEY_REUSED'
  readonly status = 422

  constructor() {
    super('This Idempotency-Key belongs to another request. Send that one unchanged, or choose a new key for this one.')
  }
}

/** The first request with this key is still running, or its process died less than a lease ago. */
export class IdempotencyInFlightError extends IdempotencyError {
  override readonly name = 'IdempotencyInFlightError'
  readonly code = 'IDEMPOTENCY_IN_FLIGHT'
  readonly status = 409
  /** What is left of its lease, in milliseconds: after that somebody else may begin. */
  readonly retryAfterMs: number

  constructor(retryAfterMs: number) {
    super('The first request with this Idempotency-Key is still running. Send the same request again later.')
    this.retryAfterMs = retryAfterMs
  }
}

/**
 * The lease ran out while the handler ran, and the key is another owner's now. On an atomic store the whole transaction
 * was rolled back. Also the reason of the handler's aborted signal.
 */
export class LeaseLostError extends IdempotencyError {
  override readonly name = 'LeaseLostError'
  readonly code = 'IDEMPOTENCY_LEASE_LOST'
  readonly status = 409
  readonly fence: number

  constructor(fence: number) {
    super(
      `The lease with fence ${fence} was lost; another request of this key is the owner. Send it again for its answer.`
    )
    this.fence = fence
  }
}

/** The handler's answer is larger than what may be kept. Its transaction was rolled back, if the store is atomic. */
export class AnswerTooLargeError extends IdempotencyError {
  override readonly name = 'AnswerTooLargeError'
  readonly code = 'IDEMPOTENCY_ANSWER_TOO_LARGE'
  readonly status = 500

  constructor(bytes: number, limit: number) {
    super(`The answer has ${bytes} bytes and ${limit} may be kept: answer with less, or raise maxAnswerBytes.`)
  }
}
