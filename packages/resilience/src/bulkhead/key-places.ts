interface Places {
  running: number
  waiting: number
}

/**
 * How much each key has of what one key may have. Only keys with a call that runs or waits are known, so that there are
 * never more of them than calls. What has no key is not counted and never limited.
 */
export class KeyPlaces {
  readonly #most: { concurrency: number; queue: number }
  readonly #keys = new Map<string, Places>()

  constructor(most: { concurrency: number; queue: number }) {
    this.#most = most
  }

  get size(): number {
    return this.#keys.size
  }

  mayRun(key: string | undefined): boolean {
    return key === undefined || (this.#keys.get(key)?.running ?? 0) < this.#most.concurrency
  }

  mayWait(key: string | undefined): boolean {
    return key === undefined || (this.#keys.get(key)?.waiting ?? 0) < this.#most.queue
  }

  begins(key: string | undefined): void {
    if (key !== undefined) this.#places(key).running++
  }

  ended(key: string | undefined): void {
    if (key === undefined) return
    const places = this.#places(key)
    places.running--
    this.#forget(key, places)
  }

  waits(key: string | undefined): void {
    if (key !== undefined) this.#places(key).waiting++
  }

  leaves(key: string | undefined): void {
    if (key === undefined) return
    const places = this.#places(key)
    places.waiting--
    this.#forget(key, places)
  }

  #places(key: string): Places {
    const known = this.#keys.get(key)
    if (known !== undefined) return known
    const places = { running: 0, waiting: 0 }
    this.#keys.set(key, places)
    return places
  }

  #forget(key: string, { running, waiting }: Places): void {
    if (running === 0 && waiting === 0) this.#keys.delete(key)
  }
}
