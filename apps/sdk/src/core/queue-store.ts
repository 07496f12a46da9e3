import {
  addLosses,
  type Books,
  batchOf,
  beginReport,
  emptyBooks,
  hasRoom,
  letGo,
  type QueueLimits,
  takeIn,
  untold
} from './books.ts'
import type { Counts, Queued, Settled, Store } from './ports.ts'

/** Where changes are written before they are made. A method that throws has written nothing. */
export interface Journal {
  append(line: string): void
  /** Makes these the only lines. */
  replace(lines: readonly string[]): void
  /** Bytes written. */
  readonly size: number
  erase(): void
  close(): void
}

/** A queue in memory whose changes are journaled: the lines, read again, make the same queue. */
export interface QueueStore extends Store {
  readonly books: Readonly<Books>
  readonly isEmpty: boolean
  /** Makes the changes of a journal, in memory only. Lines that cannot be read are passed over. */
  restore(lines: readonly string[]): void
}

export interface QueueStoreOptions {
  limits: QueueLimits
  now(): number
  /** Default: none, and what is in memory is gone with the process. */
  journal?: Journal
}

/** A journal is written anew when it is larger than this and most of it is about what is gone. */
const compactBytes = 1_000_000

/** What a line says, by its first letter. */
type Change = '+' | '-' | 'l' | 'r' | 'a' | 'b'

export function queueStore({ limits, now, journal }: QueueStoreOptions): QueueStore {
  const events = new Map<string, Queued>()
  let books = emptyBooks()
  const at = () => new Date(now()).toISOString()
  const isEmpty = () => events.size === 0 && !books.lost && !books.report

  const changes: Record<Change, (text: string) => void> = {
    '+': body => {
      const { id } = JSON.parse(body) as { id: string }
      takeIn(books, body)
      events.set(id, { id, body })
    },
    '-': text => {
      const { settled, at } = JSON.parse(text) as { settled: Settled[]; at: string }
      for (const [id, reason] of settled) {
        const event = events.get(id)
        if (!event) continue
        events.delete(id)
        letGo(books, event.body)
        if (reason) addLosses(books, { [reason]: 1 }, at)
      }
    },
    l: text => {
      const { losses, at } = JSON.parse(text) as { losses: Counts; at: string }
      addLosses(books, losses, at)
    },
    r: text => {
      const { id, at } = JSON.parse(text) as { id: string; at: string }
      beginReport(books, id, at)
    },
    a: id => {
      if (books.report?.id === id) books.report = undefined
    },
    b: text => {
      books = { ...emptyBooks(), ...(JSON.parse(text) as Books) }
    }
  }

  const change = (kind: Change, text: string) => {
    journal?.append(kind + text)
    changes[kind](text)
  }
  /** Keeps the journal from growing with what is gone. That it fails does no harm but to the disk. */
  const compact = () => {
    if (!journal || journal.size === 0) return
    try {
      if (isEmpty()) journal.replace([])
      else if (journal.size > compactBytes && journal.size > 4 * books.bytes) {
        const counted = JSON.stringify({ ...books, events: 0, bytes: 0 })
        journal.replace([`b${counted}`, ...[...events.values()].map(({ body }) => `+${body}`)])
      }
    } catch {
      // The old lines say the same.
    }
  }

  return {
    get books() {
      return books
    },
    get isEmpty() {
      return isEmpty()
    },
    restore(lines) {
      for (const line of lines) {
        try {
          changes[line[0] as Change]?.(line.slice(1))
        } catch {
          // Torn by a crash: whoever wrote it did not get to say that it was written.
        }
      }
    },
    async add({ body }) {
      const taken = hasRoom(books, body, limits)
      if (taken) change('+', body)
      else change('l', JSON.stringify({ losses: { queue_full: 1 }, at: at() }))
      return taken
    },
    read: async (count, bytes) => batchOf(events.values(), count, bytes),
    async settle(settled) {
      if (!settled.some(([id]) => events.has(id))) return
      change('-', JSON.stringify({ settled, at: at() }))
      compact()
    },
    lose: async losses => change('l', JSON.stringify({ losses, at: at() })),
    async report(id) {
      if (!books.report && books.lost) change('r', JSON.stringify({ id, at: at() }))
      return books.report
    },
    async acknowledge(id) {
      if (books.report?.id !== id) return
      change('a', id)
      compact()
    },
    losses: async () => untold(books),
    async erase() {
      events.clear()
      books = emptyBooks()
      journal?.erase()
    },
    async close() {
      if (isEmpty()) journal?.erase()
      else journal?.close()
    }
  }
}
