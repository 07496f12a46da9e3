import { type Clock, systemClock } from '../clock.ts'
import { checkMs, checkWhole } from '../part.ts'
import { ServiceRate } from './service-rate.ts'

export interface LoadShedderOptions {
  /** Beyond this expected wait, in milliseconds, a key that has more than its share of the queue is refused. Default 500. */
  softWaitMs?: number
  /** Beyond this expected wait, in milliseconds, everybody is refused. Default 1,000. */
  hardWaitMs?: number
  /** With less than this pending there is no queue: all is let in, and nothing is learned of the rate. Default 100. */
  floor?: number
}

/** Work that was let in. It ends when it is given back; giving it back twice does nothing. */
export interface LoadPermit {
  /** Says how much work it is, once that is known. */
  weigh(weight: number): void
  /** The work is done, or given up: it waits no more. */
  release(): void
}

export interface LoadShedderSnapshot {
  /** Work that was let in and is not done. */
  pending: number
  /** Work done a second, of late, while there was a queue; 0 when nothing is known. */
  ratePerSecond: number
  /** How long what comes now will wait, in milliseconds. */
  expectedWaitMs: number
  /** Keys with work pending. */
  keys: number
  admitted: number
  refused: number
  /** Of the refused, those that had more than their share while others were still let in. */
  refusedUnfair: number
}

/** A door in front of a queue. */
export interface LoadShedder {
  /** The right to wait with `weight` units of work, or `null`. `key` is whose work it is: a tenant, say. */
  admit(key: string, weight: number): LoadPermit | null
  /** Whether work of this key would be refused now. */
  isClosedTo(key: string): boolean
  /** As `isClosedTo`, and a refusal is counted: whoever asks turns the work away. */
  refuses(key: string): boolean
  /** When one that is refused should come back, in milliseconds from now: what waits now takes this long. */
  readonly retryAfterMs: number
  snapshot(): LoadShedderSnapshot
}

/**
 * Sheds load by the time it would wait: what is pending, divided by the rate at which work is being done (Little's law).
 *
 * A limit on concurrency that follows latency cannot stand before a service that works in batches, for there latency grows
 * with the load by design and throughput with it. How long the queue is in time says when it is too long, whatever the
 * batches (the idea of CoDel, Nichols and Jacobson 2012, applied at the entry). The rate follows what is behind by itself,
 * so there is nothing to be tuned to a machine.
 *
 * Between the two waits the keys share: one that has more than its part of what is pending is refused, the others are let
 * in, so one tenant cannot starve another. Pure over a clock: no timers, nothing to be closed. Keys are forgotten when
 * nothing of theirs is pending.
 * @throws RangeError for settings out of range.
 */
export function loadShedder(
  { softWaitMs = 500, hardWaitMs = 1_000, floor = 100 }: LoadShedderOptions = {},
  { clock = systemClock }: { clock?: Clock } = {}
): LoadShedder {
  checkMs('softWaitMs', softWaitMs)
  checkMs('hardWaitMs', hardWaitMs)
  checkWhole('floor', floor, 1)
  if (hardWaitMs < softWaitMs) throw new RangeError('hardWaitMs is less than softWaitMs')
  return new QueueDoor({ softWaitMs, hardWaitMs, floor }, clock)
}

/** Of a queue that is stuck it is said that it takes this long: an hour. */
const LONGEST_WAIT_MS = 3_600_000

class QueueDoor implements LoadShedder {
  readonly clock: Clock
  readonly #settings: Required<LoadShedderOptions>
  readonly #rate: ServiceRate
  /** What is pending of each key. */
  readonly #shares = new Map<string, number>()
  #pending = 0
  #admitted = 0
  #refused = 0
  #refusedUnfair = 0

  constructor(settings: Required<LoadShedderOptions>, clock: Clock) {
    this.#settings = settings
    this.clock = clock
    this.#rate = new ServiceRate(clock.now())
  }

  admit(key: string, weight: number): LoadPermit | null {
    if (this.refuses(key)) return null
    this.#admitted++
    this.add(key, weight)
    return new Permit(this, key, weight)
  }

  isClosedTo(key: string): boolean {
    return this.#closedTo(key) !== undefined
  }

  refuses(key: string): boolean {
    const why = this.#closedTo(key)
    if (why === undefined) return false
    this.#refused++
    if (why === 'unfair') this.#refusedUnfair++
    return true
  }

  #closedTo(key: string): 'full' | 'unfair' | undefined {
    if (this.#pending < this.#settings.floor) return undefined
    const wait = this.#waitMs()
    if (wait > this.#settings.hardWaitMs) return 'full'
    return wait > this.#settings.softWaitMs && this.#hasMoreThanItsShare(key) ? 'unfair' : undefined
  }

  get retryAfterMs(): number {
    return Math.min(60_000, this.#waitMs())
  }

  snapshot(): LoadShedderSnapshot {
    return {
      pending: this.#pending,
      ratePerSecond: (this.#rate.perMs(this.clock.now()) ?? 0) * 1_000,
      expectedWaitMs: this.#waitMs(),
      keys: this.#shares.size,
      admitted: this.#admitted,
      refused: this.#refused,
      refusedUnfair: this.#refusedUnfair
    }
  }

  /** Moves what is pending of a key, up or down. */
  add(key: string, weight: number): void {
    this.#pending += weight
    this.#rate.queue(this.#pending >= this.#settings.floor, this.clock.now())
    const share = (this.#shares.get(key) ?? 0) + weight
    if (share > 0) this.#shares.set(key, share)
    else this.#shares.delete(key)
  }

  done(weight: number): void {
    this.#rate.done(weight, this.clock.now())
  }

  #waitMs(): number {
    if (this.#pending === 0) return 0
    const rate = this.#rate.perMs(this.clock.now())
    if (rate === null) return 0
    return Math.min(LONGEST_WAIT_MS, this.#pending / rate)
  }

  /** Alone, a key has no more than its share, however much it has. */
  #hasMoreThanItsShare(key: string): boolean {
    const keys = this.#shares.size + (this.#shares.has(key) ? 0 : 1)
    return (this.#shares.get(key) ?? 0) * keys > this.#pending
  }
}

class Permit implements LoadPermit {
  readonly #door: QueueDoor
  readonly #key: string
  #weight: number
  #released = false

  constructor(door: QueueDoor, key: string, weight: number) {
    this.#door = door
    this.#key = key
    this.#weight = weight
  }

  weigh(weight: number): void {
    if (this.#released) return
    this.#door.add(this.#key, weight - this.#weight)
    this.#weight = weight
  }

  release(): void {
    if (this.#released) return
    this.#released = true
    this.#door.done(this.#weight)
    this.#door.add(this.#key, -this.#weight)
  }
}
