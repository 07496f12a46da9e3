import type { Call, Frame, Holder, Leaf } from '../call.ts'
import { DeadlineExceededError, isRejection, TimeoutError } from '../errors.ts'
import type { Rank } from '../priority.ts'
import type { RankedPlace } from '../priority-queue.ts'
import type { Place } from '../queue.ts'
import { TimerEntry } from '../timer-line.ts'
import type { ConcurrencyLimit } from './concurrency-limit.ts'
import type { Permit, PermitOutcome } from './limiter.ts'

/** The call's place in a concurrency limit: in its queue, then among those that run. */
export class LimitedFrame extends TimerEntry implements Frame, Leaf, Holder, RankedPlace, Permit {
  ahead: Place | null = null
  behind: Place | null = null
  since = 0
  held = false
  step = 0
  running = 0
  readonly outer: Holder | null
  readonly call: Call
  readonly parent: Frame
  readonly #limit: ConcurrencyLimit
  readonly #startedBefore: number
  #answered = false

  constructor(limit: ConcurrencyLimit, call: Call, parent: Frame) {
    super()
    this.#limit = limit
    this.call = call
    this.parent = parent
    this.outer = call.holder
    this.#startedBefore = call.started
  }

  get rank(): Rank {
    return this.call.rank
  }

  ok(value: unknown): void {
    const now = this.#limit.site.clock.now()
    this.#leave(this.call.started > this.#startedBefore ? 'ok' : 'ignored', now)
    this.parent.ok(value)
    this.idle()
  }

  fail(error: unknown): void {
    const now = this.#limit.site.clock.now()
    let outcome: PermitOutcome = 'ignored'
    let thrown = error
    try {
      outcome = this.#outcomeOf(error, now)
    } catch (fault) {
      thrown = fault
    }
    this.#leave(outcome, now)
    this.parent.fail(thrown)
    this.idle()
  }

  /** Gives the place back when the call has its answer and the last function begun under it has ended. */
  idle(): void {
    if (this.#answered && this.running === 0 && this.held) this.#limit.release(this)
  }

  interrupt(reason: unknown): void {
    this.#limit.leaveQueue(this)
    this.parent.fail(reason)
  }

  expire(): void {
    this.#limit.turnAway(this, 'queue-timeout')
  }

  #outcomeOf(error: unknown, now: number): PermitOutcome {
    if (this.call.aborted || this.call.started === this.#startedBefore || isRejection(error)) return 'ignored'
    if (error instanceof TimeoutError) return 'dropped'
    if (error instanceof DeadlineExceededError) {
      // A caller with little time left proves nothing, unless it had as much as a call may take.
      return now - this.since >= this.#limit.limiter.toleratedMs ? 'dropped' : 'ignored'
    }
    return this.#limit.dropsOn(error) ? 'dropped' : 'ignored'
  }

  #leave(outcome: PermitOutcome, now: number): void {
    this.#answered = true
    this.call.holder = this.outer
    this.#limit.limiter.report(this, outcome, now)
  }
}
