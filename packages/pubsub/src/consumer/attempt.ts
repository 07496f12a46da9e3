import { DatabaseError, isTransient, isUnavailable, type Transaction } from '@plimsoll/database'
import { FencedError, HandlerTimeoutError } from '../errors.ts'
import type { Envelope } from '../message/envelope.ts'
import { messageOf, type Wording } from '../message/message.ts'
import { delayOf, type Fault, faultOf } from './fault.ts'
import { HandlerLimit } from './handler-limit.ts'
import type { Failure } from './parking.ts'
import type { Handler, HandlerContext, Settings } from './settings.ts'

/** What came of the handler, to be told from our own statements, whose faults are always the world's. */
export class HandlerFailure extends Error {
  constructor(cause: unknown) {
    super('the handler failed', { cause })
  }
}

/**
 * The handler's doing shows late, too: a statement that it swallowed dooms the transaction, a deferred constraint refuses the
 * commit. Of what is ours only an id that another owner has handled meanwhile is refused for good.
 */
export function blame(error: unknown): unknown {
  const ours = error instanceof HandlerFailure || error instanceof FencedError
  if (ours || isUnavailable(error) || isTransient(error)) return error
  if (error instanceof DatabaseError && error.constraint === 'inbox_pkey') return error
  return new HandlerFailure(error)
}

/** Tries of a handler, and what their failures mean. */
export class Attempts {
  #topic: string
  #handler: Handler
  #wording: Wording
  #settings: Settings
  #limit: HandlerLimit

  constructor(topic: string, parts: { handler: Handler; wording: Wording; settings: Settings }) {
    this.#topic = topic
    this.#handler = parts.handler
    this.#wording = parts.wording
    this.#settings = parts.settings
    this.#limit = new HandlerLimit(parts.settings.clock, parts.settings.handlerTimeoutMs)
  }

  /** @throws HandlerFailure */
  async make(tx: Transaction, envelope: Envelope, attempt: number): Promise<void> {
    try {
      const message = messageOf(this.#topic, envelope, this.#wording)
      let controller: AbortController | undefined
      let lateness: HandlerTimeoutError | undefined
      const context: HandlerContext = {
        tx,
        attempt,
        // Made for those who ask: most handlers do not.
        get signal() {
          controller ??= new AbortController()
          if (lateness) controller.abort(lateness)
          return controller.signal
        }
      }
      await new Promise<void>((resolve, reject) => {
        this.#limit.begin(() => {
          lateness = new HandlerTimeoutError(this.#settings.handlerTimeoutMs)
          controller?.abort(lateness)
          reject(lateness)
        })
        Promise.resolve(this.#handler(message, context)).then(() => resolve(), reject)
      })
    } catch (error) {
      throw new HandlerFailure(error)
    } finally {
      this.#limit.end()
    }
  }

  /** No more handlers are called. */
  close(): void {
    this.#limit.close()
  }

  judge({ cause }: HandlerFailure): Fault {
    return this.#settings.faultOf(cause) ?? faultOf(cause)
  }

  /** What is kept in order with it: its key, or it alone. */
  laneOf({ id, key }: Pick<Envelope, 'id' | 'key'>): string {
    return key === null || this.#settings.ordered === 'none' ? `id:${id}` : `key:${key}`
  }

  failureOf(error: unknown, attempts: number, fault: Fault): Failure {
    const { maxAttempts, backoff, random } = this.#settings
    const over = fault === 'poison' || attempts >= maxAttempts
    const { message, code } = (error ?? {}) as { message?: unknown; code?: unknown }
    return {
      text: String(message ?? error)
        .slice(0, 2_000)
        .replaceAll('\0', ' '),
      code: typeof code === 'string' ? code.slice(0, 100) : null,
      attempts,
      retryInMs: over ? null : delayOf(backoff, attempts, random)
    }
  }

  tell(
    { id, key }: Pick<Envelope, 'id' | 'key'>,
    error: unknown,
    { attempts, retryInMs }: Failure,
    fault: Fault
  ): void {
    const { onEvent } = this.#settings
    onEvent({ kind: 'failed', id, key, attempts, fault, error })
    if (retryInMs === null) onEvent({ kind: 'dead', id, key, attempts, error })
  }
}
