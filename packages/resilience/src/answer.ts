import { Call, type Frame, PLAIN, type Traits, type Work } from './call.ts'
import { dueAt } from './due.ts'
import { isRejection } from './errors.ts'
import { outcomeOfError } from './outcome.ts'
import { NORMAL, type Priority, rankOf } from './priority.ts'
import type { Tally } from './tally.ts'

export interface RunOptions {
  /** The caller's. When it aborts, the call is given up at once, whatever it waits for, with the signal's reason. */
  signal?: AbortSignal | undefined
  /**
   * The instant of the policy's `clock.now()` by which the answer is due; Infinity for none. Not a time of day, and not a
   * number of milliseconds from now: that is `withinMs`. More than 24 days (2^31 - 1 ms) away it is another clock's, and
   * the call is refused with a `RangeError`.
   */
  deadline?: number | undefined
  /** How long the caller waits for the answer, in milliseconds from now. With a `deadline` too, the sooner of the two holds. */
  withinMs?: number | undefined
  /** Under which a `cache` keeps the answer, and whose the call is for limits per key. */
  key?: string | undefined
  /** Whether a `retry` may make this call again. Goes before the retry's own setting. */
  idempotent?: boolean | undefined
  /** Who goes first, and who is given up last, where not all can be served. Default `normal`. */
  priority?: Priority | undefined
  /** What the call takes from a `rateLimit`, a whole number. Default 1. */
  cost?: number | undefined
}

export const NO_OPTIONS: RunOptions = {}

const traitsOf = ({ key, idempotent, priority, cost = 1 }: RunOptions): Traits => ({
  key,
  idempotent,
  rank: priority === undefined ? NORMAL : rankOf(priority),
  cost
})

/** The outermost frame: turns the answer into a promise, and listens for the caller's abort. */
export class Answer extends Call implements Frame, EventListenerObject {
  readonly #signal: AbortSignal | undefined
  readonly #tally: Tally
  readonly #resolve: (value: unknown) => void
  /** Null when the promise is for an outcome, which never rejects. */
  readonly #reject: ((error: unknown) => void) | null

  constructor(
    work: Work,
    at: number,
    options: RunOptions,
    tally: Tally,
    resolve: (value: unknown) => void,
    reject: ((error: unknown) => void) | null
  ) {
    super(
      work,
      at,
      options === NO_OPTIONS ? null : dueAt(options, at),
      options === NO_OPTIONS ? PLAIN : traitsOf(options)
    )
    this.#signal = options.signal
    this.#tally = tally
    this.#resolve = resolve
    this.#reject = reject
  }

  /** Begins to listen. False when the caller had gone before it came: the answer is given. */
  listen(): boolean {
    const signal = this.#signal
    if (signal === undefined) return true
    if (signal.aborted) {
      this.aborted = true
      this.fail(signal.reason)
      return false
    }
    signal.addEventListener('abort', this)
    return true
  }

  handleEvent(): void {
    this.abort(this, this.#signal!.reason)
  }

  ok(value: unknown): void {
    this.#signal?.removeEventListener('abort', this)
    this.#tally.ok++
    if (this.#reject !== null) this.#resolve(value)
    else this.#resolve({ kind: 'ok', value, source: this.source, ageMs: this.ageMs })
  }

  fail(error: unknown): void {
    this.#signal?.removeEventListener('abort', this)
    if (this.aborted) this.#tally.aborted++
    else if (isRejection(error)) this.#tally.rejected++
    else this.#tally.failed++
    if (this.#reject !== null) this.#reject(error)
    else this.#resolve(outcomeOfError(error, this.aborted))
  }
}
