const KEPT = 64

/** The last latencies of a stretch of time, 64 at most. Keeping one costs a store; sorting is paid by the stretch. */
export class Latencies {
  count = 0
  readonly #kept = new Float64Array(KEPT)

  add(ms: number): void {
    this.#kept[this.count++ % KEPT] = ms
  }

  /** The middle one: a few calls that hang do not move it. Only when there are any. Their order is lost. */
  median(): number {
    const sorted = this.#kept.subarray(0, Math.min(this.count, KEPT)).sort()
    return sorted[sorted.length >> 1]!
  }

  clear(): void {
    this.count = 0
  }
}
