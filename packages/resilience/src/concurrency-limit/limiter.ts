import { type Clock, systemClock } from '../clock.ts'
import { type Priority, type Rank, rankOf } from '../priority.ts'
import { type Place, Queue } from '../queue.ts'
import { Gradient } from './gradient.ts'
import { type ConcurrencyLimiterOptions, type LimiterSettings, limiterSettings } from './settings.ts'

/** What became of a call that was let in. `dropped`: it timed out. `ignored`: what it took says nothing. */
export type PermitOutcome = 'ok' | 'dropped' | 'ignored'

/** The right to run, for the one who asked. It ends when it is given back, or at `permitTimeoutMs`. */
export interface ConcurrencyPermit {
  /** Gives it back. False when it had ended already: nothing happens, and nothing is learned from the call. */
  release(outcome: PermitOutcome): boolean
}

export interface ConcurrencyLimitSnapshot {
  /** As many may run at once, `critical` calls and no pressure supposed. */
  limit: number
  running: number
  queued: number
  /** Medians in milliseconds: with no queue in the dependency, and of the last window. 0: not known yet. */
  latencyAtRestMs: number
  latencyMs: number
  /** Whether the latency at rest is being looked for, for which part of the limit is closed. */
  probing: boolean
  /** As it was last asked for. */
  pressure: number
  /** Permits that were taken back because nobody gave them back. Only grows. */
  reclaimed: number
}

/** An adaptive concurrency limit without a policy around it: for a door that answers by itself. */
export interface ConcurrencyLimiter {
  /** When one that is refused should come back, in milliseconds from now: what a call takes at present. */
  readonly retryAfterMs: number
  /** The right to run one call, or `null`. Default priority `normal`. */
  acquire(priority?: Priority): ConcurrencyPermit | null
  snapshot(): ConcurrencyLimitSnapshot
}

/**
 * A limit of calls at once that follows what is behind it: see `concurrencyLimit`. Over a clock: no timers, nothing to be
 * closed.
 *
 * A permit that its owner has lost is taken back after `permitTimeoutMs`, when it is next needed, and counted as a call
 * that timed out. Its owner may still come: it moves nothing any more.
 * @throws RangeError for settings out of range.
 */
export function concurrencyLimiter(
  options: ConcurrencyLimiterOptions = {},
  { clock = systemClock, random = Math.random }: { clock?: Clock; random?: () => number } = {}
): ConcurrencyLimiter {
  const limiter = new AdaptiveLimiter(limiterSettings(options), random, clock.now())
  return {
    get retryAfterMs() {
      return limiter.retryAfterMs
    },
    acquire(priority = 'normal') {
      const permit = new OwnPermit(limiter, clock)
      const now = clock.now()
      const rank = rankOf(priority)
      if (!limiter.hasRoom(rank, now)) return null
      limiter.admit(permit, now)
      return permit
    },
    snapshot: () => limiter.snapshot(clock.now(), 0)
  }
}

/** A call that was let in. Stamped by the limiter; whoever runs the call is its own permit. */
export interface Permit extends Place {
  /** `now()` when it was let in. */
  since: number
  /** Whether it has a place: between `admit` and `giveBack`. */
  held: boolean
  /** Of the probe that it is measured for; 0 = none. */
  step: number
}

/** Who may come in, under the limit that the latencies make. */
export class AdaptiveLimiter {
  readonly #settings: LimiterSettings
  readonly #gradient: Gradient
  /** Those that run, the oldest first. */
  readonly #held = new Queue<Permit>()
  #pressure = 0
  #reclaimed = 0

  constructor(settings: LimiterSettings, random: () => number, now: number) {
    this.#settings = settings
    this.#gradient = new Gradient(settings, random, now)
  }

  get limit(): number {
    return this.#gradient.limit
  }

  get retryAfterMs(): number {
    return Math.ceil(this.#gradient.nowMs) || 100
  }

  /** What a call at rest takes and is allowed to take more. Infinity until known. */
  get toleratedMs(): number {
    return this.#gradient.restMs * this.#settings.tolerance || Infinity
  }

  hasRoom(rank: Rank, now: number): boolean {
    if (this.#held.length < this.#room(rank, now)) return true
    if (this.#reclaim(now) && this.#held.length < this.#room(rank, now)) return true
    if (this.#held.length >= this.#shareOf(this.#gradient.limit, rank)) this.#gradient.limited()
    return false
  }

  /** Only when `hasRoom` has said so. */
  admit(permit: Permit, now: number): void {
    permit.since = now
    permit.held = true
    this.#held.push(permit)
    permit.step = this.#gradient.admitted(this.#held.length)
  }

  /** What came of it. Nothing is learned from one that has ended. */
  report(permit: Permit, outcome: PermitOutcome, now: number): void {
    if (!permit.held) return
    if (outcome === 'ok') this.#gradient.answered(now - permit.since, permit.step, now)
    else if (outcome === 'dropped') this.#gradient.dropped(permit.step, now)
    else this.#gradient.ignored(permit.step, now)
  }

  /** Gives its place back. False when it had none. */
  giveBack(permit: Permit): boolean {
    if (!permit.held) return false
    permit.held = false
    this.#held.remove(permit)
    return true
  }

  snapshot(now: number, queued: number): ConcurrencyLimitSnapshot {
    this.#reclaim(now)
    const { limit, restMs, nowMs, probing } = this.#gradient
    return {
      limit,
      running: this.#held.length,
      queued,
      latencyAtRestMs: restMs,
      latencyMs: nowMs,
      probing,
      pressure: this.#pressure,
      reclaimed: this.#reclaimed
    }
  }

  #room(rank: Rank, now: number): number {
    return this.#shareOf(this.#gradient.limitFor(rank, now) * (1 - this.#askPressure()), rank)
  }

  /** Rounded down, so that a low limit keeps a place too; but an idle dependency has room for one of each class. */
  #shareOf(limit: number, rank: Rank): number {
    return Math.max(1, Math.floor(limit * this.#settings.shares[rank] + 1e-9))
  }

  #askPressure(): number {
    const { pressure } = this.#settings
    if (pressure === null) return 0
    try {
      const asked = pressure()
      this.#pressure = asked > 0 ? Math.min(1, asked) : 0
    } catch {
      this.#pressure = 0
    }
    return this.#pressure
  }

  #reclaim(now: number): boolean {
    const { permitTimeoutMs } = this.#settings
    let any = false
    for (let { first } = this.#held; first !== null && now - first.since >= permitTimeoutMs; first = this.#held.first) {
      this.#reclaimed++
      any = true
      this.report(first, 'dropped', now)
      this.giveBack(first)
    }
    return any
  }
}

class OwnPermit implements Permit, ConcurrencyPermit {
  ahead: Place | null = null
  behind: Place | null = null
  since = 0
  held = false
  step = 0
  readonly #limiter: AdaptiveLimiter
  readonly #clock: Clock

  constructor(limiter: AdaptiveLimiter, clock: Clock) {
    this.#limiter = limiter
    this.#clock = clock
  }

  release(outcome: PermitOutcome): boolean {
    this.#limiter.report(this, outcome, this.#clock.now())
    return this.#limiter.giveBack(this)
  }
}
