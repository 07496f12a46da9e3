import type { Cursor } from './entry.ts'
import type { Segment } from './segment.ts'

/**
 * The end of the log, in memory, for readers in the process that writes an embedded log: what was just committed need
 * not be read back from the engine, whose one thread is the writer's too. It gives whole segments, and only those that
 * begin right behind a cursor; after a gap, and for all that is older, the reader asks the store.
 */
export class Tail {
  #segments: Segment[] = []
  #held = 0
  #capacity: number

  /** Holds `capacity` entries at most; the oldest go first. */
  constructor(capacity = 20_000) {
    this.#capacity = capacity
  }

  add(segment: Segment): void {
    this.#segments.push(segment)
    this.#held += segment.count
    while (this.#held > this.#capacity) this.#held -= this.#segments.shift()!.count
  }

  /** The segments right after `cursor`, of `limit` entries or a little more; undefined when the tail cannot tell. Older ones are let go. */
  after(cursor: Cursor, limit: number): Segment[] | undefined {
    while (this.#segments.length > 0 && this.#segments[0]!.last.position <= cursor.position) {
      this.#held -= this.#segments.shift()!.count
    }
    const found: Segment[] = []
    let next = cursor.position + 1
    let count = 0
    for (const segment of this.#segments) {
      if (count >= limit || segment.first?.position !== next) break
      found.push(segment)
      count += segment.count
      next = segment.last.position + 1
    }
    return found.length > 0 ? found : undefined
  }

  /** True when something newer than `cursor` is held. */
  hasMore(cursor: Cursor): boolean {
    const last = this.#segments.at(-1)
    return last !== undefined && last.last.position > cursor.position
  }
}
