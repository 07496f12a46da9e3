import { isTransient, isUnavailable } from '@plimsoll/database'
import { PoisonMessageError, SchemaViolationError, UndecodableError, WorldFaultError } from '../errors.ts'

/**
 * Whose fault a failure is. `message`: this one, try it again some times. `poison`: this one, and no retry helps. `world`:
 * any message would have failed now. The words of Redis' XNACK for the same are FAIL, FATAL and SILENT.
 */
export type Fault = 'message' | 'poison' | 'world'

/** What is judged when a subscription is given no judge of its own, or that one does not know. */
export function faultOf(error: unknown): Fault {
  if (error instanceof WorldFaultError || isUnavailable(error) || isTransient(error)) return 'world'
  if (
    error instanceof PoisonMessageError ||
    error instanceof UndecodableError ||
    error instanceof SchemaViolationError
  ) {
    return 'poison'
  }
  // A dependency that a handler calls is away in these words; the same words of a name that never existed are seen by a
  // person, because the subscription stands and says why.
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown }
  if (typeof code === 'string' && awayCodes.has(code)) return 'world'
  return cause instanceof Error && cause !== error ? faultOf(cause) : 'message'
}

const awayCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_SOCKET'
])

/** Waits of full jitter that double up to a cap, in milliseconds (Brooker, 2015). */
export interface Backoff {
  firstMs: number
  maxMs: number
}

export function delayOf({ firstMs, maxMs }: Backoff, attempt: number, random: () => number): number {
  const ceiling = Math.min(maxMs, firstMs * 2 ** Math.min(attempt - 1, 30))
  return ceiling / 2 + (random() * ceiling) / 2
}
