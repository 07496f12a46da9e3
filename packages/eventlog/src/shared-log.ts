import type { Database } from '@plimsoll/database'
import type { Cursor } from './entry.ts'
import { logChannel, readPacked } from './log.ts'
import type { Segment } from './segment.ts'
import { isAfter } from './streams/event.ts'

/** Entries a page of the store, at most: small ones, so that readers with small steps share them too. */
const mostPerPage = 1_000

export interface LogPage {
  segments: Segment[]
  /** True when nothing that is committed lies behind them, as of the look. */
  caughtUp: boolean
}

/** What one reader of the log is given. */
export interface LogReader {
  /** The next whole segments right after `cursor`: of `limit` entries, or as many as the last segment has more. */
  read(cursor: Cursor, limit: number): Promise<LogPage>
  /** Holds nothing for this reader any more. */
  close(): void
}

export interface LogReads {
  /** Pages asked of the store, and the entries in them. */
  pages: number
  entries: number
  /** Entries that came with a commit of this process, and were not read at all. */
  heard: number
  /** Entries handed to readers. */
  given: number
}

/** A segment, and what it stands right behind. */
interface Link {
  behind: { position: number; xid: string | undefined }
  first: Cursor
  segment: Segment
}

/**
 * The end of the log in memory, for all readers of this process: five that stand at one place cost one read of the data.
 * Where this process writes an embedded log, what was just committed need not be read back at all from the engine, whose one
 * thread is the writer's too. What all readers have passed is let go, and the oldest goes where one reader is far behind: that
 * one reads for itself and disturbs nobody.
 */
export class SharedLog {
  readonly #log: Database
  readonly #capacityBytes: number
  readonly #readers = new Set<{ passed: number }>()
  readonly #reading = new Map<string, Promise<LogPage>>()
  readonly #listeners = new Set<() => void>()
  #links: Link[] = []
  /** In bytes. */
  #held = 0
  #stopListening: (() => void) | undefined
  readonly reads: LogReads = { pages: 0, entries: 0, heard: 0, given: 0 }

  /** Holds so many bytes of entries at most, 16 MiB unless said: some ten thousands of them. */
  constructor(log: Database, capacityBytes = 16_777_216) {
    this.#log = log
    this.#capacityBytes = capacityBytes
  }

  /** Calls `listener` after each commit of this process that appended to the log. Returns the way to stop. */
  onCommit(listener: () => void): () => void {
    this.#listeners.add(listener)
    this.#stopListening ??= this.#log.listen(logChannel, segments => {
      for (const segment of segments) this.#hear(segment as Segment)
      for (const each of this.#listeners) each()
    })
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0) return
      this.#stopListening?.()
      this.#stopListening = undefined
      this.#links = []
      this.#held = 0
    }
  }

  reader(): LogReader {
    const me = { passed: 0 }
    this.#readers.add(me)
    let ahead: { of: Cursor; page: Promise<LogPage> } | undefined
    return {
      read: async (cursor, limit) => {
        me.passed = cursor.position
        const { pages } = this.reads
        const taken = await takeAhead(ahead, cursor, limit)
        const page = taken ?? (await this.#next(cursor, limit))
        ahead = undefined
        const last = page.segments.at(-1)?.last
        // Who has much to catch up with is given the next page while it works on this one.
        if (last && (taken || this.reads.pages > pages) && countOf(page) >= limit) {
          ahead = { of: last, page: this.#next(last, limit) }
          ahead.page.catch(() => undefined)
        }
        this.reads.given += countOf(page)
        return page
      },
      close: () => {
        ahead = undefined
        this.#readers.delete(me)
      }
    }
  }

  async #next(cursor: Cursor, limit: number): Promise<LogPage> {
    const segments: Segment[] = []
    let left = limit
    let at = cursor
    while (left > 0) {
      const held = this.#after(at, left)
      const page =
        held.length > 0 ? { segments: held, caughtUp: false } : await this.#read(at, Math.min(left, mostPerPage))
      segments.push(...page.segments)
      for (const { count } of page.segments) left -= count
      const last = page.segments.at(-1)
      if (last === undefined || page.caughtUp) return { segments, caughtUp: page.caughtUp }
      at = last.last
      // What came with a commit is the end of the log until the next one comes.
      if (last.first !== null && this.#endsAt(at)) return { segments, caughtUp: true }
    }
    return { segments, caughtUp: false }
  }

  #hear(segment: Segment): void {
    this.reads.heard += segment.count
    const first = segment.first!
    const behind = first.position - 1
    if (this.#links.at(-1)?.segment.last.position !== behind) this.#clear()
    this.#push({ behind: { position: behind, xid: undefined }, first, segment })
  }

  #clear(): void {
    this.#links = []
    this.#held = 0
  }

  #endsAt({ position, xid }: Cursor): boolean {
    const last = this.#links.at(-1)?.segment.last
    return last !== undefined && last.position === position && last.xid === xid
  }

  #push(link: Link): void {
    this.#links.push(link)
    this.#held += link.segment.entries.byteLength
    let passed = Number.POSITIVE_INFINITY
    for (const reader of this.#readers) passed = Math.min(passed, reader.passed)
    const isOver = () => this.#held > this.#capacityBytes || this.#links[0]!.segment.last.position <= passed
    while (this.#links.length > 1 && isOver()) this.#held -= this.#links.shift()!.segment.entries.byteLength
  }

  /** What is held right after `cursor`, of `limit` entries or a little more. */
  #after(cursor: Cursor, limit: number): Segment[] {
    const begin = this.#links.findIndex(({ behind }) => standsAt(behind, cursor))
    if (begin < 0) return []
    const found: Segment[] = []
    let count = 0
    for (let i = begin; i < this.#links.length && count < limit; i++) {
      const { segment } = this.#links[i]!
      found.push(segment)
      count += segment.count
    }
    return found
  }

  /** Several may ask for one place at once: it is read once. */
  #read(cursor: Cursor, limit: number): Promise<LogPage> {
    const place = `${cursor.xid}.${cursor.position}`
    const reading = this.#reading.get(place) ?? this.#readNow(cursor, limit).finally(() => this.#reading.delete(place))
    this.#reading.set(place, reading)
    return reading
  }

  async #readNow(cursor: Cursor, limit: number): Promise<LogPage> {
    // Up to where others have it: from there on they are read together, also by who stands in the middle of a segment.
    const next = this.#links.find(link => isAfter(link.first, cursor))
    const { segment, first, whole } = await readPacked(this.#log, cursor, limit, next?.first)
    this.reads.pages++
    this.reads.entries += segment?.count ?? 0
    const caughtUp = whole && next === undefined
    const isHeld = next !== undefined && this.#links.includes(next)
    if (!segment || !first) {
      if (next === undefined || !whole || !isHeld) return { segments: [], caughtUp }
      // Numbers were lost in between, by a transaction that failed.
      next.behind = { position: cursor.position, xid: cursor.xid }
      return { segments: this.#after(cursor, limit), caughtUp: false }
    }
    const link = { behind: { position: cursor.position, xid: cursor.xid }, first, segment }
    const held = this.#links[0]
    const isBefore = held !== undefined && isAfter(held.segment.last, segment.last)
    if (this.#endsAt(cursor)) this.#push(link)
    else if (!isBefore && !isHeld) {
      this.#clear()
      this.#push(link)
    }
    return { segments: [segment], caughtUp }
  }
}

const countOf = ({ segments }: LogPage) => segments.reduce((sum, { count }) => sum + count, 0)

/** What was read ahead, if it is full: one that came to the end says nothing of what is behind it now. */
async function takeAhead(
  ahead: { of: Cursor; page: Promise<LogPage> } | undefined,
  { position, xid }: Cursor,
  limit: number
): Promise<LogPage | undefined> {
  if (ahead?.of.position !== position || ahead.of.xid !== xid) return undefined
  const page = await ahead.page.catch(() => undefined)
  return page && countOf(page) >= limit && !page.caughtUp ? page : undefined
}

const standsAt = ({ position, xid }: Link['behind'], cursor: Cursor) =>
  position === cursor.position && (xid === undefined || xid === cursor.xid || position === 0)
