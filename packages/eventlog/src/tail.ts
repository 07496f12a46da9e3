import type { Cursor, NewEntry, StoredEntry } from './entry.ts'

/** Entries that one transaction appended, at consecutive positions from `first`. */
export interface Segment {
  xid: string
  first: number
  recordedAt: number
  entries: readonly NewEntry[]
}

/**
 * The end of the log, in memory, for readers in the process that writes an embedded log: what was just committed need
 * not be read back from the engine, whose one thread is the writer's too. It gives only what stands exactly next to a
 * cursor; after a gap, and for all that is older, the reader asks the store.
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
    this.#held += segment.entries.length
    while (this.#held > this.#capacity) this.#held -= this.#segments.shift()!.entries.length
  }

  /** The entries right after `cursor`, `limit` at most; undefined when the tail cannot tell. Older ones are let go. */
  after(cursor: Cursor, limit: number): StoredEntry[] | undefined {
    while (this.#segments.length > 0 && endOf(this.#segments[0]!) <= cursor.position) {
      this.#held -= this.#segments.shift()!.entries.length
    }
    const found: StoredEntry[] = []
    let next = cursor.position + 1
    for (const segment of this.#segments) {
      if (found.length === limit || next < segment.first) break
      for (let i = next - segment.first; i < segment.entries.length && found.length < limit; i++) {
        found.push(toEntry(segment, i))
      }
      next = segment.first + segment.entries.length
    }
    return found.length > 0 ? found : undefined
  }

  /** True when something newer than `cursor` is held. */
  hasMore(cursor: Cursor): boolean {
    const last = this.#segments.at(-1)
    return last !== undefined && endOf(last) > cursor.position
  }
}

const endOf = (segment: Segment) => segment.first + segment.entries.length - 1

function toEntry(segment: Segment, index: number): StoredEntry {
  const { digest: _, ...entry } = segment.entries[index]!
  return { ...entry, position: segment.first + index, xid: segment.xid, recordedAt: segment.recordedAt }
}
