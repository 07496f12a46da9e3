import { Call, type Frame, type Leaf } from '../call.ts'
import { HedgeLostError, isRejection } from '../errors.ts'
import { TimerEntry } from '../timer-line.ts'
import type { Hedge } from './hedge.ts'

/**
 * A call that may be made twice. Each of the two is a call of its own, so that each can wait, be timed out and hold a slot
 * for itself; the call they are made for waits for this, and passes on to them whatever ends it.
 */
export class HedgedCall extends TimerEntry implements Leaf {
  readonly #hedge: Hedge
  readonly #call: Call
  readonly #parent: Frame
  readonly #first: Leg
  #second: Leg | null = null
  #afterMs = Infinity
  #over = false

  constructor(hedge: Hedge, call: Call, parent: Frame) {
    super()
    this.#hedge = hedge
    this.#call = call
    this.#parent = parent
    this.#first = new Leg(this, call, call.at)
  }

  start(afterMs: number): void {
    const { line, next } = this.#hedge
    const call = this.#call
    this.#afterMs = afterMs
    if (!call.waitFor(this)) return
    next.enter(this.#first, this.#first)
    if (!this.#over && call.at + afterMs + call.leastMs <= call.deadline && afterMs !== Infinity) {
      line.add(this, call.at + afterMs, call.at)
    }
  }

  get begun(): boolean {
    return this.#first.begun || this.#second?.begun === true
  }

  /** The first is slow. */
  expire(): void {
    const { site, line, budget, next } = this.#hedge
    const call = this.#call
    const now = site.clock.now()
    const since = this.#first.started === 0 ? now : this.#first.at
    if (now < since + this.#afterMs) {
      line.add(this, since + this.#afterMs, now)
      return
    }
    if (now + call.leastMs > call.deadline) return
    if (!budget.withdraw(now)) {
      site.tally.hedgesDenied++
      site.emit({ type: 'hedge.denied' }, call)
      return
    }
    site.tally.hedges++
    site.emit({ type: 'hedge', afterMs: now - since }, call)
    // Whoever heard of it may have ended the call.
    if (this.#over) return
    this.#second = new Leg(this, call, now)
    next.enter(this.#second, this.#second)
  }

  succeeded(leg: Leg, value: unknown): void {
    if (this.#over) return
    const { site } = this.#hedge
    const loser = leg === this.#first ? this.#second : this.#first
    if (leg === this.#first || !this.#first.ended) this.#observe(leg === this.#first)
    leg.ended = true
    this.#end()
    if (leg === this.#second) {
      site.tally.hedgesWon++
      site.emit({ type: 'hedge.won', afterMs: site.clock.now() - leg.at }, this.#call)
    }
    this.#parent.ok(value)
    if (loser !== null && !loser.ended) loser.abort(this, new HedgeLostError(site.policy))
  }

  failed(leg: Leg, error: unknown): void {
    if (this.#over) return
    leg.ended = true
    leg.error = error
    if (leg === this.#first) this.#observe(false)
    const other = leg === this.#first ? this.#second : this.#first
    if (other !== null && !other.ended) return
    this.#end()
    const second = this.#second
    this.#parent.fail(second !== null && isRejection(this.#first.error) ? second.error : this.#first.error)
  }

  /** Ended from outside. A part inside holds that against the dependency once: the second had less time than was due. */
  interrupt(reason: unknown): void {
    const { aborted } = this.#call
    if (!this.#first.ended) this.#observe(false)
    this.#end()
    this.#parent.fail(reason)
    if (aborted) this.#first.abort(this, reason)
    else this.#first.interrupt(this, reason)
    this.#second?.abort(this, reason)
  }

  /** The call waits for this no longer: its own leaf is whatever its parent makes it wait for next. */
  #end(): void {
    this.#over = true
    this.#hedge.line.remove(this)
    this.#call.leaf = null
    this.#call.started += this.#first.started + (this.#second?.started ?? 0)
  }

  /**
   * How long the first took. One that was given up or failed beyond the threshold is known to take at least that long, and
   * has to count: a quantile of those that made it would sink, and with it the threshold, until everything is made twice.
   */
  #observe(succeeded: boolean): void {
    const { latencies, site } = this.#hedge
    if (latencies === null || this.#first.started === 0) return
    const now = site.clock.now()
    const tookMs = now - this.#first.at
    if (succeeded || tookMs >= this.#afterMs) latencies.record(now, tookMs)
  }
}

/** One of the two calls. */
class Leg extends Call implements Frame {
  ended = false
  error: unknown
  readonly #hedged: HedgedCall

  constructor(hedged: HedgedCall, call: Call, at: number) {
    super(call.work, at, call.handedIn, call.traits)
    this.inherit(call).own = call.own
    this.#hedged = hedged
  }

  ok(value: unknown): void {
    this.#hedged.succeeded(this, value)
  }

  fail(error: unknown): void {
    this.#hedged.failed(this, error)
  }
}
