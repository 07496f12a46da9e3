/** What every error of this package has: a stable `code`. */
export abstract class HealthError extends Error {
  abstract readonly code: string
}

/** The health server could not take its address, or its thread could not begin. `cause` is the reason. */
export class HealthListenError extends HealthError {
  override readonly name = 'HealthListenError'
  readonly code = 'HEALTH_LISTEN'
}

/** The thread that answers died. It is started again after `againInMs` milliseconds. Given to `onError` only. */
export class HealthThreadError extends HealthError {
  override readonly name = 'HealthThreadError'
  readonly code = 'HEALTH_THREAD'
  readonly againInMs: number

  constructor(againInMs: number, cause: unknown) {
    super(`the health thread ended (${textOf(cause)}) and is started again in ${againInMs} ms`, { cause })
    this.againInMs = againInMs
  }
}

/** A check gave no answer in time. Also the `reason` of its aborted signal. */
export class CheckTimeoutError extends HealthError {
  override readonly name = 'CheckTimeoutError'
  readonly code = 'HEALTH_CHECK_TIMEOUT'

  constructor(timeoutMs: number) {
    super(`no answer within ${timeoutMs} ms`)
  }
}

/** A step of a drain had no time left. The `reason` of its aborted signal. */
export class DrainTimeoutError extends HealthError {
  override readonly name = 'DrainTimeoutError'
  readonly code = 'HEALTH_DRAIN_TIMEOUT'
}

/** What was thrown, in words: not everything that is thrown is an error. */
export function textOf(thrown: unknown): string {
  if (thrown instanceof Error && thrown.message !== '') return thrown.message
  try {
    return String(thrown)
  } catch {
    return 'something that cannot be shown'
  }
}
