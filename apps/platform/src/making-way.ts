/** How long after a question of a dashboard the next is still to be expected, in milliseconds. */
const expectedMs = 2_000

/** Feed and billing share the read store with the dashboards, and make way while somebody looks at one. */
export class MakingWay {
  readonly #now: () => number
  #askedAt = Number.NEGATIVE_INFINITY

  /** @param now a clock that never goes back, in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** A dashboard was asked something. */
  asked = (): void => {
    this.#askedAt = this.#now()
  }

  othersAsk = (): boolean => this.#now() - this.#askedAt < expectedMs
}
