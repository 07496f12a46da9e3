/** What is known for one key. A value and an error may both be: the one is stale, the other why it could not be renewed. */
export interface Entry {
  /** The last good answer, with the `now()` at which it came. */
  good: { value: unknown; at: number } | null
  /** The last error, until when it is remembered. */
  bad: { error: unknown; until: number } | null
}

/** At most `max` entries; the one that was asked for longest ago makes room. */
export class Entries {
  readonly #max: number
  readonly #map = new Map<string, Entry>()

  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#map.size
  }

  get(key: string): Entry | undefined {
    const entry = this.#map.get(key)
    if (entry !== undefined) {
      this.#map.delete(key)
      this.#map.set(key, entry)
    }
    return entry
  }

  /** A good answer makes the error before it forgotten. */
  keepGood(key: string, value: unknown, at: number): void {
    this.#set(key, { good: { value, at }, bad: null })
  }

  /** An error leaves the good answer before it in place. */
  keepBad(key: string, error: unknown, until: number): void {
    this.#set(key, { good: this.#map.get(key)?.good ?? null, bad: { error, until } })
  }

  #set(key: string, entry: Entry): void {
    this.#map.delete(key)
    this.#map.set(key, entry)
    if (this.#map.size > this.#max) this.#map.delete(this.#map.keys().next().value!)
  }
}
