/** What one key may still take. Pure: the time is handed in, and an earlier one than before counts as the same. */
export interface Bucket {
  /** In how many milliseconds `cost` more could be taken if nobody took anything before then; 0 = now. */
  waitMs(cost: number, now: number): number
  /** Takes it. Only when `waitMs` was 0. */
  take(cost: number, now: number): void
  /** How much could be taken now. */
  available(now: number): number
  /** Whether it could not be told from one that was never used. */
  full(now: number): boolean
}

export interface Rate {
  /** Milliseconds in which one unit comes back. */
  readonly unitMs: number
  readonly burst: number
}

/** Who comes back exactly when told may be short of a rounding error. What is let in early is still paid in full. */
const ROUNDING_MS = 0.001

/**
 * A bucket of `burst` tokens that fills by one each `unitMs`, and of which a call takes its cost. Keeps two numbers, and
 * reads as people think of it.
 */
export class TokenBucket implements Bucket {
  readonly #rate: Rate
  #tokens: number
  #at: number

  constructor(rate: Rate, now: number) {
    this.#rate = rate
    this.#tokens = rate.burst
    this.#at = now
  }

  waitMs(cost: number, now: number): number {
    const missingMs = (cost - this.available(now)) * this.#rate.unitMs
    return missingMs > ROUNDING_MS ? missingMs : 0
  }

  take(cost: number, now: number): void {
    this.#tokens = this.available(now) - cost
    this.#at = Math.max(this.#at, now)
  }

  available(now: number): number {
    const { unitMs, burst } = this.#rate
    return Math.min(burst, this.#tokens + Math.max(0, now - this.#at) / unitMs)
  }

  full(now: number): boolean {
    return this.available(now) >= this.#rate.burst
  }
}

/**
 * The generic cell rate algorithm (ITU-T I.371, 1993): one number, the instant at which all that was taken has come back.
 *
 * It decides exactly as the token bucket does. Being one number, it fits into a single compare-and-set of a shared store.
 */
export class Gcra implements Bucket {
  readonly #rate: Rate
  #backAt: number

  constructor(rate: Rate, now: number) {
    this.#rate = rate
    this.#backAt = now
  }

  waitMs(cost: number, now: number): number {
    const { unitMs, burst } = this.#rate
    const missingMs = Math.max(this.#backAt, now) + (cost - burst) * unitMs - now
    return missingMs > ROUNDING_MS ? missingMs : 0
  }

  take(cost: number, now: number): void {
    this.#backAt = Math.max(this.#backAt, now) + cost * this.#rate.unitMs
  }

  available(now: number): number {
    const { unitMs, burst } = this.#rate
    return burst - Math.max(0, this.#backAt - now) / unitMs
  }

  full(now: number): boolean {
    return this.#backAt <= now
  }
}
