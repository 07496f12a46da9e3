import { type Answer, answerOf, type HandlerAnswer, isKept, keptPart } from './answer.ts'
import {
  IdempotencyInFlightError,
  IdempotencyKeyMissingError,
  IdempotencyKeyReusedError,
  LeaseLostError
} from './errors.ts'
import { fingerprint } from './fingerprint.ts'
import { readIdempotencyKey } from './key.ts'
import { renewLease } from './renewal.ts'
import { type IdempotentOptions, settingsOf } from './settings.ts'
import type { IdempotencyStore, Lease } from './store.ts'

export interface IdempotentRequest {
  /** Whose request it is, up to 255 characters: the account of the caller, as authentication told it. */
  tenant: string
  /** The route, up to 255 characters; a pattern such as `/orders/:id` will do when `target` has the rest. */
  route: string
  method: string
  /** The concrete path and query. Default: the route says all. */
  target?: string
  /** The `Idempotency-Key` header as it came. */
  key: string | readonly string[] | undefined
  /** Bytes, or what JSON can hold. */
  body?: unknown
  /** Whether a request without a key is refused, or run with nothing kept. Default true. */
  required?: boolean
}

export interface RunContext {
  /** Give it to what must refuse a late owner by itself. Higher for each later owner; 0 without a key. */
  readonly fence: number
  /** 1, or more when earlier owners' leases ran out. */
  readonly attempt: number
  /** Aborted when the lease is lost. A client that hangs up aborts nothing. */
  readonly signal: AbortSignal
}

export type IdempotentHandler<Tx> = (tx: Tx, context: RunContext) => Promise<HandlerAnswer>

export interface IdempotentResult {
  answer: Answer
  /** Whether it is an earlier request's answer; then `answer.headers` has `idempotent-replayed: true`. */
  replayed: boolean
}

export interface Idempotent<Tx> {
  /**
   * Runs the handler once for a key, and answers every later request of that key with the first one's answer.
   * @throws IdempotencyKeyMissingError, IdempotencyKeyInvalidError, IdempotencyKeyReusedError, IdempotencyInFlightError,
   *   LeaseLostError, AnswerTooLargeError, what the handler threw, and what the store throws
   */
  run(request: IdempotentRequest, handler: IdempotentHandler<Tx>): Promise<IdempotentResult>
}

/** Thrown through the store's transaction, to roll it back, and caught here. */
class NotKept extends Error {
  readonly answer: Answer

  constructor(answer: Answer) {
    super('this answer is not kept')
    this.answer = answer
  }
}

/**
 * Idempotency keys for any handler: draft-ietf-httpapi-idempotency-key-header-07, with Stripe's replay of the first answer.
 * A reservation is a lease with a fence, so that a crash frees the key and a late owner changes nothing.
 * @throws RangeError for settings out of range
 */
export function idempotent<Tx>(store: IdempotencyStore<Tx>, options: IdempotentOptions = {}): Idempotent<Tx> {
  const settings = settingsOf(options)
  const { leaseMs, ttlMs, maxAnswerBytes, headers, clock } = settings

  /** Runs the handler; rejects with `NotKept` to have its transaction undone. */
  const answered = async (handler: IdempotentHandler<Tx>, tx: Tx, context: RunContext): Promise<Answer> => {
    const given = await handler(tx, context)
    const answer = answerOf(given, maxAnswerBytes)
    if (!isKept(given)) throw new NotKept(answer)
    return answer
  }

  const once = async (lease: Lease, begun: number, handler: IdempotentHandler<Tx>): Promise<Answer> => {
    const { signal, stop } = renewLease(store, lease, begun, settings)
    const { fence, attempt } = lease
    let whole: Answer | undefined
    try {
      await store.settle(lease, ttlMs, async tx => {
        whole = await answered(handler, tx, { fence, attempt, signal })
        return keptPart(whole, headers)
      })
      return whole!
    } catch (error) {
      stop()
      // A key that cannot be freed now is free when its lease runs out.
      if (!(error instanceof LeaseLostError)) await store.release(lease).catch(() => undefined)
      throw error
    } finally {
      stop()
    }
  }

  const unkeyed = (handler: IdempotentHandler<Tx>): Promise<Answer> => {
    const { signal } = new AbortController()
    return store.transaction(tx => answered(handler, tx, { fence: 0, attempt: 1, signal }))
  }

  const first = async (running: Promise<Answer>): Promise<IdempotentResult> => {
    try {
      return { answer: await running, replayed: false }
    } catch (error) {
      if (error instanceof NotKept) return { answer: error.answer, replayed: false }
      throw error
    }
  }

  return {
    async run(request, handler) {
      const key = readIdempotencyKey(request.key)
      const tenant = bounded('tenant', request.tenant)
      const route = bounded('route', request.route)
      if (key === undefined) {
        if (request.required ?? true) throw new IdempotencyKeyMissingError()
        return first(unkeyed(handler))
      }
      const { method, target, body } = request
      const begun = clock.now()
      const claim = { tenant, route, key, fingerprint: fingerprint({ method, route, target, body }), leaseMs, ttlMs }
      const reservation = await store.reserve(claim)
      switch (reservation.kind) {
        case 'started':
          return first(once(reservation.lease, begun, handler))
        case 'replay': {
          const { status, headers, body } = reservation.answer
          return { answer: { status, headers: { ...headers, 'idempotent-replayed': 'true' }, body }, replayed: true }
        }
        case 'in-flight':
          throw new IdempotencyInFlightError(reservation.leftMs)
        case 'mismatch':
          throw new IdempotencyKeyReusedError()
      }
    }
  }
}

/** Longest tenant and route, in characters: with the key they are the index entry of a record. */
const SCOPE_LIMIT = 255

function bounded(name: string, value: string): string {
  if (value === '' || value.length > SCOPE_LIMIT || value.includes('\0')) {
    throw new RangeError(`${name} has from 1 to ${SCOPE_LIMIT} characters, none of them NUL`)
  }
  return value
}
