/** Each bucket reaches a tenth further than the one before it: a quantile is found to within that. */
const GROWTH = Math.log(1.1)
const LEAST_MS = 0.1
const MOST_MS = 600_000
const FIRST = Math.ceil(Math.log(LEAST_MS) / GROWTH)
const BUCKETS = Math.ceil(Math.log(MOST_MS) / GROWTH) - FIRST + 1
const SLICES = 6

/**
 * The latencies of the last `ms` milliseconds, in six slices, as counts in buckets that grow by a tenth each.
 *
 * The idea is that of DDSketch (Masson, Rim and Lee, VLDB 2019): a quantile with a bounded relative error, at the price of
 * one logarithm a call. It takes under 5 kB at any rate of calls.
 */
export class LatencyWindow {
  count = 0
  readonly #sliceMs: number
  readonly #sums = new Uint32Array(BUCKETS)
  readonly #slices = new Uint32Array(BUCKETS * SLICES)
  readonly #counts = new Uint32Array(SLICES)
  /** The number of the newest slice, counted from the clock's zero. */
  #slice = 0
  readonly #quantile: number
  #known = 0
  /** How many more may be recorded before the quantile is looked up again. */
  #fresh = 0

  /** @param quantile the one that is asked for: 0.95 for the p95. */
  constructor(ms: number, quantile: number) {
    this.#sliceMs = ms / SLICES
    this.#quantile = quantile
  }

  record(now: number, latencyMs: number): void {
    this.expire(now)
    const at = bucketOf(latencyMs)
    const slot = this.#slice % SLICES
    this.#slices[slot * BUCKETS + at]!++
    this.#counts[slot]!++
    this.#sums[at]!++
    this.count++
    this.#fresh--
  }

  /** Forgets what is too old at `now`. */
  expire(now: number): void {
    const slice = Math.floor(now / this.#sliceMs)
    const steps = Math.min(slice - this.#slice, SLICES)
    for (let step = 1; step <= steps; step++) this.#forget((this.#slice + step) % SLICES)
    if (steps > 0) this.#slice = slice
  }

  /**
   * What the share `quantile` of the calls did not exceed, in milliseconds, rounded up by at most a tenth: calls that all
   * take the same are never beyond it. 0 without calls. Looked up again once a thirty-second part of the calls is new.
   */
  value(): number {
    if (this.#fresh > 0) return this.#known
    this.#fresh = Math.max(1, this.count >> 5)
    let left = Math.ceil(this.count * this.#quantile)
    let at = 0
    if (left === 0) this.#known = 0
    else {
      while (at < BUCKETS - 1 && this.#sums[at]! < left) left -= this.#sums[at++]!
      this.#known = Math.exp((at + FIRST) * GROWTH)
    }
    return this.#known
  }

  #forget(slot: number): void {
    if (this.#counts[slot] === 0) return
    const from = slot * BUCKETS
    for (let i = 0; i < BUCKETS; i++) this.#sums[i]! -= this.#slices[from + i]!
    this.#slices.fill(0, from, from + BUCKETS)
    this.count -= this.#counts[slot]!
    this.#counts[slot] = 0
    this.#fresh = 0
  }
}

function bucketOf(ms: number): number {
  if (ms <= LEAST_MS) return 0
  return Math.min(BUCKETS - 1, Math.max(0, Math.ceil(Math.log(ms) / GROWTH) - FIRST))
}
