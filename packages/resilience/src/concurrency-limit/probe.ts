/** So many calls are measured in a step, and it is over when so many of them have ended: the slowest are not waited for. */
const MEASURED = 32
const ENOUGH = 28
const PATIENCE_MS = 1_000
const PATIENCE_CALLS = 10

/**
 * A look for the latency at rest, in steps: the limit of a step, and what the first calls took that began under it.
 *
 * The first to begin, and not the first to end: of many calls that begin at once, the first to end are the short ones.
 */
export class Probe {
  limit = 0
  readonly restBeforeMs: number
  /** What calls took under the limit before this step. */
  loadedMs: number
  /** Counted on from probe to probe, so that a late call of an older one is none of this. */
  step: number
  #measured = 0
  #drained = false
  #drainedBy = 0
  #latencies: number[] = []
  #givesUpAt = 0

  constructor(restMs: number, loadedMs: number, step: number) {
    this.loadedMs = loadedMs
    this.step = step
    this.restBeforeMs = restMs
  }

  /** Begins the next step. What comes of calls of the one before does not count any more. */
  next(limit: number, now: number): void {
    this.limit = limit
    this.step++
    this.#measured = 0
    this.#drained = false
    this.#drainedBy = now + this.loadedMs
    this.#latencies = []
    this.#givesUpAt = now + Math.max(PATIENCE_MS, this.restBeforeMs * PATIENCE_CALLS)
  }

  /** Whether there are still calls of before the step. By the time that one takes they have ended. */
  draining(now: number): boolean {
    return !this.#drained && now < this.#drainedBy
  }

  /** The step that a call is measured for, which was let in as the `inFlight`th; 0 when it is not. */
  measure(inFlight: number): number {
    if (inFlight > this.limit) return 0
    this.#drained = true
    if (this.#measured === MEASURED) return 0
    this.#measured++
    return this.step
  }

  /** What a measured call took. `null`: it says nothing, and another one is measured in its place. */
  ended(step: number, ms: number | null): void {
    if (step !== this.step) return
    if (ms === null) this.#measured--
    else this.#latencies.push(ms)
  }

  /** Enough is known, or it takes too long: calls that hang, or so few calls that they are at rest anyway. */
  done(now: number): boolean {
    return this.#latencies.length >= ENOUGH || now >= this.#givesUpAt
  }

  /** The median of the measured, those that run still being the longest. `null`: it is among these. */
  found(): number | null {
    return this.#latencies.sort((a, b) => a - b)[this.#measured >> 1] ?? null
  }
}
