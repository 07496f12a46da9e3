import { DatabaseError, isTransient, isUnavailable, type Transaction } from '@plimsoll/database'
import { FencedError, HandlerTimeoutError } from '../errors.ts'
import type { Envelope } from '../message/envelope.ts'
import { messageOf, type Wording } from '../message/message.ts'
import type { Breath } from './breath.ts'
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

interface Trial {
  readonly context: HandlerContext
  /** The signal is somebody's, who may have listeners on it. */
  readonly asked: boolean
  abort(why: Error): void
}

/** The signal is made for those who ask: most handlers do not, and then messages of a batch share what there is. */
function trialOf(tx: Transaction, attempt: number): Trial {
  let controller: AbortController | undefined
  let reason: Error | undefined
  return {
    context: {
      tx,
      attempt,
      get signal() {
        controller ??= new AbortController()
        if (reason) controller.abort(reason)
        return controller.signal
      }
    },
    get asked() {
      return controller !== undefined
    },
    abort(why) {
      reason = why
      controller?.abort(why)
    }
  }
}

/** Tries of a handler, and what their failures mean. */
export class Attempts {
  #topic: string
  #handler: Handler
  #wording: Wording
  #settings: Settings
  #limit: HandlerLimit
  #breath: Breath

  constructor(topic: string, parts: { handler: Handler; wording: Wording; settings: Settings; breath: Breath }) {
    this.#topic = topic
    this.#handler = parts.handler
    this.#wording = parts.wording
    this.#settings = parts.settings
    this.#breath = parts.breath
    this.#limit = new HandlerLimit(parts.settings.clock, parts.settings.handlerTimeoutMs)
  }

  /**
   * Calls the handler for one message after the other, until one fails.
   * @throws HandlerFailure
   */
  async make(tx: Transaction, deliveries: Iterable<{ readonly envelope: Envelope }>, attempt: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const limit = this.#limit
    const { clock } = this.#settings
    let trial = trialOf(tx, attempt)
    let over = false
    const late = () => {
      over = true
      const lateness = new HandlerTimeoutError(this.#settings.handlerTimeoutMs)
      trial.abort(lateness)
      reject(lateness)
    }
    // One promise for all: who is late may never end, and is left behind.
    const all = async () => {
      for (const { envelope } of deliveries) {
        let now = clock.now()
        if (this.#breath.isDue(now)) {
          limit.end()
          now = await this.#breath.take()
        }
        const message = messageOf(this.#topic, envelope, this.#wording)
        if (trial.asked) trial = trialOf(tx, attempt)
        limit.begin(late, now)
        await this.#handler(message, trial.context)
        if (over) return
      }
    }
    all().then(resolve, reject)
    try {
      await promise
    } catch (error) {
      throw new HandlerFailure(error)
    } finally {
      over = true
      limit.end()
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
