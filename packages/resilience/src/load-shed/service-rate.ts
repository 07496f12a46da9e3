/** Work done in a step is weighed against what was known before. */
const STEP_MS = 50
/** What one step counts for: about the last quarter of a second decides. */
const SMOOTHING = 0.2
/** Nobody has come or gone for longer than this: our own process stood still, which is not the work's slowness. */
const LONGEST_MS = 200
/** A queue of which nothing is done for so long is stuck. */
const STUCK_MS = 1_000
/** After so long without a queue nothing is known any more. */
const FORGET_MS = 10_000

/**
 * The rate at which work is done while there is a queue of it, smoothed over about a quarter of a second. Without a queue
 * what is done is what was asked for, and says nothing of what could be done. Work that stops being done makes the rate
 * sink, step by step, so that a service that is stuck has a queue that takes longer and longer.
 */
export class ServiceRate {
  #at: number
  #queued = false
  /** Time with a queue since the last step, and what was done in it. */
  #busyMs = 0
  #done = 0
  /** Time with a queue of which nothing was done. */
  #idleMs = 0
  #rate: number | null = null
  #learnedAt = 0

  constructor(now: number) {
    this.#at = now
  }

  /** Whether there is a queue from now on. */
  queue(queued: boolean, now: number): void {
    if (queued === this.#queued) return
    this.#advance(now)
    this.#forget(now)
    this.#queued = queued
  }

  done(weight: number, now: number): void {
    if (!this.#queued) return
    this.#done += weight
    this.#advance(now)
  }

  /** Units of work a millisecond; `null` when nothing is known. */
  perMs(now: number): number | null {
    this.#advance(now)
    this.#forget(now)
    return this.#rate
  }

  #forget(now: number): void {
    if (this.#queued || now - this.#learnedAt <= FORGET_MS) return
    this.#rate = null
    this.#idleMs = 0
  }

  #advance(now: number): void {
    if (this.#queued) this.#busyMs += Math.min(now - this.#at, LONGEST_MS)
    this.#at = now
    if (this.#busyMs < STEP_MS) return
    const seen = this.#done / this.#busyMs
    // The first of a queue takes its time to come through; until then nothing is known, but not for ever.
    if (seen > 0) this.#idleMs = 0
    else this.#idleMs += this.#busyMs
    if (this.#rate === null) this.#rate = seen > 0 || this.#idleMs >= STUCK_MS ? seen : null
    // A long step is as many short ones.
    else this.#rate += (seen - this.#rate) * (1 - (1 - SMOOTHING) ** (this.#busyMs / STEP_MS))
    this.#learnedAt = now
    this.#busyMs = 0
    this.#done = 0
  }
}
