import type { Clock } from '@plimsoll/resilience'
import { type Backoff, delayOf } from './fault.ts'

/**
 * What all workers of a subscription pass before they begin a step. It is shut while paused and, for a time that grows, after
 * a fault of the world; then it lets one through at a time until one has succeeded, so that what is getting up is not run over.
 */
export class Gate {
  #slots: number
  #free: number
  #waiting: (() => void)[] = []
  #paused = false
  #faults = 0
  #until = 0
  #timer: unknown
  #clock: Clock
  #backoff: Backoff
  #random: () => number

  constructor(slots: number, backoff: Backoff, clock: Clock, random: () => number) {
    this.#slots = slots
    this.#free = slots
    this.#clock = clock
    this.#backoff = backoff
    this.#random = random
  }

  get paused(): boolean {
    return this.#paused
  }

  /** Who is inside may go on with another step: it is open, and nobody waits for the place. */
  get unwanted(): boolean {
    return !this.#paused && this.#faults === 0 && this.#waiting.length === 0 && this.#clock.now() >= this.#until
  }

  /** Faults of the world in a row. */
  get faults(): number {
    return this.#faults
  }

  /** Resolves with the way to leave it, or `undefined` when `signal` aborts first. */
  async enter(signal: AbortSignal): Promise<(() => void) | undefined> {
    while (!this.#open()) {
      if (signal.aborted) return
      const { promise, resolve } = Promise.withResolvers<void>()
      signal.addEventListener('abort', () => resolve(), { once: true })
      this.#waiting.push(resolve)
      await promise
    }
    if (signal.aborted) return
    this.#free--
    return () => {
      this.#free++
      this.#wake()
    }
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#wake()
  }

  /** Shuts it. Returns for how many milliseconds. */
  worldFault(retryAfterMs?: number): number {
    this.#faults++
    const delay = retryAfterMs ?? delayOf(this.#backoff, this.#faults, this.#random)
    this.#until = Math.max(this.#until, this.#clock.now() + delay)
    this.#arm()
    return delay
  }

  /** Returns true when this ended a row of faults. */
  succeeded(): boolean {
    const recovered = this.#faults > 0
    this.#faults = 0
    if (recovered) this.#wake()
    return recovered
  }

  close(): void {
    this.#clock.clearTimer(this.#timer)
    this.#wake()
  }

  #open(): boolean {
    if (this.#paused || this.#clock.now() < this.#until) return false
    return this.#faults > 0 ? this.#free === this.#slots : this.#free > 0
  }

  /** A timer may fire a little early: who is woken then would wait for nobody. */
  #arm(): void {
    this.#clock.clearTimer(this.#timer)
    const left = this.#until - this.#clock.now()
    if (left <= 0) this.#wake()
    else this.#timer = this.#clock.setTimer(() => this.#arm(), Math.ceil(left))
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
