/** Work done in a step is weighed against what was known before. */
const STEP_MS = 50
/** What one step counts for: about the last quarter of a second decides. */
const SMOOTHING = 0.2
/** Nobody has come or gone for longer than this: our own process stood still, which is not the work's slowness. */
const LONGEST_MS = 200

/**
 * The rate at which work is being done while there is work, smoothed over about a quarter of a second. Nothing is known
 * until the first step with work has ended. Work that stops being done makes the rate sink, step by step, so that a
 * service that is stuck has a queue that takes longer and longer.
 */
export class ServiceRate {
  #at: number
  /** Time with work since the last step, and what was done in it. */
  #busyMs = 0
  #done = 0
  #rate: number | null = null

  constructor(now: number) {
    this.#at = now
  }

  /** There was no work until now: the time up to here says nothing. */
  resume(now: number): void {
    this.#at = now
  }

  done(weight: number, now: number): void {
    this.#done += weight
    this.perMs(now)
  }

  /** Units of work a millisecond; 0 when nothing is known. */
  perMs(now: number): number {
    this.#busyMs += Math.min(now - this.#at, LONGEST_MS)
    this.#at = now
    if (this.#busyMs >= STEP_MS) {
      const seen = this.#done / this.#busyMs
      if (this.#rate === null) this.#rate = seen === 0 ? null : seen
      // A long step is as many short ones.
      else this.#rate += (seen - this.#rate) * (1 - (1 - SMOOTHING) ** (this.#busyMs / STEP_MS))
      this.#busyMs = 0
      this.#done = 0
    }
    return this.#rate ?? 0
  }
}
