/** A bucket of tokens: so many at once, and so many a second in the long run. */
export class Tokens {
  readonly #most: number
  readonly #perMs: number
  #left: number
  #at: number | undefined

  constructor({ most, perSecond }: { most: number; perSecond: number }) {
    this.#most = most
    this.#perMs = perSecond / 1_000
    this.#left = most
  }

  take(nowMs: number): boolean {
    const since = nowMs - (this.#at ?? nowMs)
    this.#at = nowMs
    this.#left = Math.min(this.#most, this.#left + Math.max(0, since) * this.#perMs)
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}
