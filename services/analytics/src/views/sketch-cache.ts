import type { Row } from './rows.ts'

type Sketches = Pick<Row, 'latency' | 'users'>

/**
 * The sketches of rows that were written lately, as they are in the store: the row of this hour is written many times,
 * and need not be read back each time. Only valid while every transaction commits: after a failure it is emptied.
 */
export class SketchCache {
  #rows = new Map<string, Sketches>()
  #capacity: number

  /** `capacity` rows at most; the least lately written go first. */
  constructor(capacity = 2_000) {
    this.#capacity = capacity
  }

  get(key: string): Sketches | undefined {
    return this.#rows.get(key)
  }

  set(key: string, sketches: Sketches): void {
    this.#rows.delete(key)
    this.#rows.set(key, sketches)
    if (this.#rows.size > this.#capacity) this.#rows.delete(this.#rows.keys().next().value!)
  }

  clear(): void {
    this.#rows.clear()
  }
}
