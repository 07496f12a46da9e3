/** What the breaker remembers of the calls that ended while it was closed. */
export interface OutcomeWindow {
  record(now: number, failed: boolean, slow: boolean): void
  /** Forgets what is too old at `now`. The three sums below hold as of then. */
  expire(now: number): void
  clear(): void
  readonly calls: number
  readonly failed: number
  readonly slow: number
}

const FAILED = 1
const SLOW = 2

/** The last `size` calls. One byte a call, sums kept as it goes: a record costs the same at any size. */
export class CountWindow implements OutcomeWindow {
  calls = 0
  failed = 0
  slow = 0
  readonly #ring: Uint8Array
  #at = 0

  constructor(size: number) {
    this.#ring = new Uint8Array(size)
  }

  record(_now: number, failed: boolean, slow: boolean): void {
    const ring = this.#ring
    if (this.calls === ring.length) {
      const old = ring[this.#at]!
      if (old & FAILED) this.failed--
      if (old & SLOW) this.slow--
    } else {
      this.calls++
    }
    ring[this.#at] = (failed ? FAILED : 0) | (slow ? SLOW : 0)
    if (failed) this.failed++
    if (slow) this.slow++
    this.#at = this.#at + 1 === ring.length ? 0 : this.#at + 1
  }

  expire(): void {}

  clear(): void {
    this.calls = this.failed = this.slow = this.#at = 0
  }
}

const SLICES = 10

/**
 * The calls of the last `ms` milliseconds, in ten slices: it reaches back between nine tenths of `ms` and all of it.
 *
 * What the present slice has brought is in fields and goes into the array when the slice is over: a call of a policy that
 * has not been called for a while pays for each piece of memory that it touches.
 */
export class TimeWindow implements OutcomeWindow {
  calls = 0
  failed = 0
  slow = 0
  #newCalls = 0
  #newFailed = 0
  #newSlow = 0
  readonly #sliceMs: number
  /** The number of the newest slice, counted from the clock's zero. */
  #slice = 0
  /** For each slice that is over its calls, its failed and its slow ones. */
  readonly #sums = new Uint32Array(SLICES * 3)

  constructor(ms: number) {
    this.#sliceMs = ms / SLICES
  }

  record(now: number, failed: boolean, slow: boolean): void {
    this.expire(now)
    this.calls++
    this.#newCalls++
    if (failed) {
      this.failed++
      this.#newFailed++
    }
    if (slow) {
      this.slow++
      this.#newSlow++
    }
  }

  expire(now: number): void {
    const slice = Math.floor(now / this.#sliceMs)
    const steps = slice - this.#slice
    if (steps <= 0) return
    if (steps >= SLICES) {
      this.clear()
    } else {
      this.#put()
      for (let step = 1; step <= steps; step++) {
        const i = ((this.#slice + step) % SLICES) * 3
        this.calls -= this.#sums[i]!
        this.failed -= this.#sums[i + 1]!
        this.slow -= this.#sums[i + 2]!
        this.#sums.fill(0, i, i + 3)
      }
    }
    this.#slice = slice
  }

  clear(): void {
    this.#sums.fill(0)
    this.calls = this.failed = this.slow = 0
    this.#newCalls = this.#newFailed = this.#newSlow = 0
  }

  #put(): void {
    const i = (this.#slice % SLICES) * 3
    this.#sums[i] = this.#newCalls
    this.#sums[i + 1] = this.#newFailed
    this.#sums[i + 2] = this.#newSlow
    this.#newCalls = this.#newFailed = this.#newSlow = 0
  }
}
