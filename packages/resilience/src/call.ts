import { NORMAL, type Rank } from './priority.ts'

/** What the function is given. */
export interface Context {
  /** Aborted when the answer is no longer wanted. Made when it is first asked for: making it is the dear part of a call. */
  readonly signal: AbortSignal
  /** The instant of the policy's `clock.now()` by which the answer is due; Infinity when there is none. */
  readonly deadline: number
  /** 1 for the first try. */
  readonly attempt: number
}

export type Work<T = unknown> = (context: Context) => T | PromiseLike<T>

/** Where an answer came from. */
export type Source = 'call' | 'cache' | 'stale' | 'fallback'

/**
 * One part's place in one call: whoever it called answers by `ok` or `fail`, exactly once.
 *
 * Continuations and not promises: one promise a call instead of one a part, and no microtask between a slot that is freed
 * and the one who waits for it.
 */
export interface Frame {
  ok(value: unknown): void
  fail(error: unknown): void
}

/** Whatever a call waits for at the moment: the function, a back-off, a place in a queue. There is one at a time. */
export interface Leaf {
  /** Whether the function is being called on this one's behalf by another call. */
  readonly begun?: boolean
  /** Stops waiting and fails upwards with `error` at once. */
  interrupt(error: unknown): void
}

/** Something that is kept for as long as a function runs, even one that was given up: a bulkhead's slot. */
export interface Holder {
  readonly outer: Holder | null
  running: number
  /** Called when `running` has come back to zero. */
  idle(): void
}

/** What a call goes through next: a part, or in the end the function. */
export interface Step {
  enter(call: Call, parent: Frame): void
}

/** What its caller says of a call. */
export interface Traits {
  readonly key: string | undefined
  readonly idempotent: boolean | undefined
  /** How much it matters, for the parts that cannot serve all. */
  readonly rank: Rank
  /** What it takes from a rate limit. */
  readonly cost: number
}

/** Most calls come without options: they share what is said of them. */
export const PLAIN: Traits = { key: undefined, idempotent: undefined, rank: NORMAL, cost: 1 }

/** A deadline as a call keeps it: Infinity is none. */
export const orNone = (deadline: number): number | null => (deadline === Infinity ? null : deadline)

/** One call on its way through the parts. Its size is felt: there is one for each call, before anything is done. */
export class Call {
  readonly work: Work
  readonly traits: Traits
  /** `now()` when the call began or last woke: the parts share one look at the clock. */
  at: number
  /** The deadline that was handed in, or null: a number with a fraction, Infinity too, would be an object of its own. */
  handedIn: number | null
  /** The deadline that the policy sets itself, or null. */
  own: number | null = null
  /** No attempt begins with less than this many milliseconds left. */
  leastMs = 0
  attempt = 1
  /** How often the function was called: a part can tell whether what it sees says anything about the dependency. */
  started = 0
  leaf: Leaf | null = null
  /** The frame that put an end to what is inside it. Until it has heard of it, nothing inside may begin anything. */
  interruptedBy: unknown = null
  /** Given up by its caller. */
  aborted = false
  holder: Holder | null = null
  source: Source = 'call'
  ageMs = 0

  /** An interruption that came while the call waited for nothing, in the middle of someone's callback. */
  #pending: { error: unknown } | null = null

  constructor(work: Work, at: number, handedIn: number | null, traits: Traits) {
    this.work = work
    this.at = at
    this.handedIn = handedIn
    this.traits = traits
  }

  get key(): string | undefined {
    return this.traits.key
  }

  get idempotent(): boolean | undefined {
    return this.traits.idempotent
  }

  get rank(): Rank {
    return this.traits.rank
  }

  get cost(): number {
    return this.traits.cost
  }

  /** Takes over from `other`, on whose behalf this call is made, what holds for it at this place in the policy. */
  inherit(other: Call): this {
    this.holder = other.holder
    this.leastMs = other.leastMs
    this.attempt = other.attempt
    return this
  }

  /** The instant by which everything has to end, or null. */
  get soonest(): number | null {
    const { handedIn, own } = this
    if (handedIn === null) return own
    return own === null || handedIn < own ? handedIn : own
  }

  /** The same; Infinity when there is none. */
  get deadline(): number {
    return this.soonest ?? Infinity
  }

  /** Whether that is the one that was handed in. */
  get deadlineIsHandedIn(): boolean {
    return (this.handedIn ?? Infinity) <= (this.own ?? Infinity)
  }

  /** Whether the function was called, by this call or for it. */
  get begun(): boolean {
    return this.started > 0 || this.leaf?.begun === true
  }

  /** The call waits for `leaf` from now on. False when it was interrupted before it could: `leaf` has been told. */
  waitFor(leaf: Leaf): boolean {
    if (this.#pending === null) {
      this.leaf = leaf
      return true
    }
    const { error } = this.#pending
    this.#pending = null
    leaf.interrupt(error)
    return false
  }

  /** Ends whatever the call waits for; the error then travels up through every frame to `by`. */
  interrupt(by: unknown, error: unknown): void {
    if (this.interruptedBy !== null) return
    this.interruptedBy = by
    const { leaf } = this
    this.leaf = null
    if (leaf === null) this.#pending = { error }
    else leaf.interrupt(error)
  }

  /** Its caller does not want the answer any more. */
  abort(by: unknown, reason: unknown): void {
    if (this.interruptedBy === null) this.aborted = true
    this.interrupt(by, reason)
  }
}
