/** What is appended. Times are JavaScript milliseconds; `data` and `change` are JSON text, written as they are. */
export interface NewEntry {
  tenant: string
  /** Unique within the tenant; the key by which an entry is counted once. */
  id: string
  type: string
  /** When it happened, in milliseconds since 1970. */
  time: number
  stream: string | null
  subject: string | null
  /** A signed 64-bit number as text: equal for equal bodies. */
  digest: string
  data: string | null
  /** `[before, after]` of the stream's summary as JSON text, or null when the entry changed nothing. */
  change: string | null
}

/** An entry as it is read: `data` and `change` are still JSON text, which travels between threads at little cost. */
export interface StoredEntry {
  position: number
  xid: string
  tenant: string
  id: string
  type: string
  time: number
  recordedAt: number
  stream: string | null
  subject: string | null
  data: string | null
  change: string | null
}

/** An entry as a projection sees it. */
export interface LogEntry extends Omit<StoredEntry, 'data' | 'change'> {
  data: unknown
  change: unknown
}

export function parseEntry(stored: StoredEntry): LogEntry {
  const { data, change } = stored
  return {
    ...stored,
    data: data === null ? null : JSON.parse(data),
    change: change === null ? null : JSON.parse(change)
  }
}

/** A place in the log. Transactions commit out of order, so a position alone is not one. */
export interface Cursor {
  xid: string
  position: number
}

export const start: Cursor = { xid: '0', position: 0 }
