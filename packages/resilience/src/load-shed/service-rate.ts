/** Work done in a step is weighed against what was known before. */
const STEP_MS = 50
/** So much is seen before anything is said: one step may be all wait, with the batch that was waited for in the next. */
const FIRST_STEP_MS = 200
/** What one step counts for: about the last second decides: a pause for a checkpoint or a collection is none of a slow service. */
const SMOOTHING = 0.06
/** Nobody has come or gone for longer than this: our own process stood still, which is not the work's slowness. */
const LONGEST_MS = 200
/** A queue of which nothing is done for so long is stuck. */
const STUCK_MS = 1_000
/**
 * A queue ends when there has been none for so long. What is done in batches comes out at once, so a queue about as long
 * as a batch falls below its floor with the first of it; the rest was waited for and counts as well.
 */
const LINGER_MS = 50
/** After so long without a queue nothing is known any more. */
const FORGET_MS = 10_000

/**
 * The rate at which work is done while there is a queue of it, smoothed over about a second. Without a queue
 * what is done is what was asked for, and says nothing of what could be done. Work that stops being done makes the rate
 * sink, step by step, so that a service that is stuck has a queue that takes longer and longer.
 */
export class ServiceRate {
  #at: number
  /** Until when there is a queue, as far as is known. */
  #until = Number.NEGATIVE_INFINITY
  /** Time with a queue since the last step, and what was done in it. */
  #busyMs = 0
  #done = 0
  /** Time with a queue of which nothing was done. */
  #idleMs = 0
  #rate: number | null = null
  /** How much of a full memory is filled, 0 to 1: what is known for a moment only must not weigh like a second. */
  #filled = 0
  #learnedAt = 0

  constructor(now: number) {
    this.#at = now
  }

  /** Whether there is a queue from now on. */
  queue(queued: boolean, now: number): void {
    if (queued === (this.#until === Number.POSITIVE_INFINITY)) return
    this.#advance(now)
    this.#forget(now)
    this.#until = queued ? Number.POSITIVE_INFINITY : now + LINGER_MS
  }

  done(weight: number, now: number): void {
    if (now > this.#until) return
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
    if (now <= this.#until || now - this.#learnedAt <= FORGET_MS) return
    this.#rate = null
    this.#filled = 0
    this.#idleMs = 0
  }

  #advance(now: number): void {
    this.#busyMs += Math.max(0, Math.min(now - this.#at, this.#until - this.#at, LONGEST_MS))
    this.#at = now
    if (this.#busyMs < (this.#rate === null ? FIRST_STEP_MS : STEP_MS)) return
    const seen = this.#done / this.#busyMs
    // The first of a queue takes its time to come through; until then nothing is known, but not for ever.
    if (seen > 0) this.#idleMs = 0
    else this.#idleMs += this.#busyMs
    if (this.#rate !== null || seen > 0 || this.#idleMs >= STUCK_MS) {
      // A long step is as many short ones.
      const share = 1 - (1 - SMOOTHING) ** (this.#busyMs / STEP_MS)
      this.#filled += (1 - this.#filled) * share
      this.#rate = (this.#rate ?? 0) + (seen - (this.#rate ?? 0)) * (share / this.#filled)
    }
    this.#learnedAt = Math.min(now, this.#until)
    this.#busyMs = 0
    this.#done = 0
  }
}
