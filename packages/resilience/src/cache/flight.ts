import { Call, type Frame, type Leaf, orNone, type Step } from '../call.ts'
import { DeadlineExceededError } from '../errors.ts'
import { TimerEntry } from '../timer-line.ts'
import type { Cache } from './cache.ts'

/**
 * One call for all who ask for the same key meanwhile. It belongs to none of them: who gives up leaves alone, the call has
 * as much time as the most patient of them, and it ends when the last one has left.
 */
export class Flight implements Frame {
  readonly key: string
  readonly #cache: Cache
  readonly #call: Call
  readonly #waiters = new Set<Waiter>()

  constructor(cache: Cache, key: string, first: Call) {
    this.#cache = cache
    this.key = key
    this.#call = new Call(first.work, first.at, orNone(first.deadline), first.traits).inherit(first)
  }

  start(next: Step): void {
    next.enter(this.#call, this)
  }

  join(call: Call, parent: Frame): void {
    const waiter = new Waiter(this, this.#cache, call, parent)
    if (!call.waitFor(waiter)) return
    this.#waiters.add(waiter)
    const { handedIn } = this.#call
    if (handedIn !== null && call.deadline > handedIn) this.#call.handedIn = orNone(call.deadline)
    if (call.deadline !== Infinity) this.#cache.line.add(waiter, Math.max(call.deadline, call.at), call.at)
  }

  /** False when nobody is left to wait: there is nothing to begin. */
  get wanted(): boolean {
    return this.#waiters.size > 0
  }

  leave(waiter: Waiter, reason: unknown): void {
    this.#cache.line.remove(waiter)
    this.#waiters.delete(waiter)
    if (this.#waiters.size > 0) return
    this.#cache.landed(this)
    // Whether the last one left by its own will or because its time was over decides what a breaker makes of it.
    if (waiter.call.aborted) this.#call.abort(this, reason)
    else this.#call.interrupt(this, reason)
  }

  ok(value: unknown): void {
    if (!this.wanted) return
    this.#cache.landed(this)
    this.#cache.renewed(this.key, value)
    for (const waiter of this.#land()) {
      waiter.call.source = this.#call.source
      waiter.call.ageMs = this.#call.ageMs
      waiter.parent.ok(value)
    }
  }

  fail(error: unknown): void {
    if (!this.wanted) return
    this.#cache.landed(this)
    this.#cache.failed(this.key, error)
    for (const waiter of this.#land()) this.#cache.answerFailure(waiter.call, waiter.parent, this.key, error)
  }

  get started(): number {
    return this.#call.started
  }

  /** All waiters, released from their timers, before the first of them is answered. */
  #land(): Waiter[] {
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    for (const waiter of waiters) {
      this.#cache.line.remove(waiter)
      waiter.land()
    }
    return waiters
  }
}

/** One caller's place in a flight. */
class Waiter extends TimerEntry implements Leaf {
  readonly call: Call
  readonly parent: Frame
  readonly #flight: Flight
  readonly #cache: Cache

  constructor(flight: Flight, cache: Cache, call: Call, parent: Frame) {
    super()
    this.#flight = flight
    this.#cache = cache
    this.call = call
    this.parent = parent
  }

  get begun(): boolean {
    return this.call.started + this.#flight.started > 0
  }

  interrupt(reason: unknown): void {
    this.call.started += this.#flight.started
    this.#flight.leave(this, reason)
    this.parent.fail(reason)
  }

  land(): void {
    this.call.leaf = null
    this.call.started += this.#flight.started
  }

  expire(): void {
    const { policy, tally } = this.#cache.site
    const incoming = this.call.deadlineIsHandedIn
    const { begun } = this
    const error = new DeadlineExceededError(policy, { incoming, begun })
    tally.deadlines++
    this.#cache.site.emit({ type: 'deadline', begun, incoming }, this.call)
    this.land()
    this.#flight.leave(this, error)
    this.#cache.answerFailure(this.call, this.parent, this.#flight.key, error)
  }
}
