import type { Cursor, LogEntry, NewEntry, StoredEntry } from './entry.ts'

/**
 * Entries in a row as JSON text. Between the thread that writes an embedded log, the event loop and the thread of a read
 * model they travel as text, which costs one copy, and are parsed only where they are used: as objects they would fill
 * the young generation of the event loop's heap, which every request then waits for.
 */
export interface Segment {
  /** A JSON array. Those appended by one transaction have no place of their own: it follows from `first`. */
  entries: string
  count: number
  first: Place | null
  last: Place
}

export interface Place extends Cursor {
  recordedAt: number
}

/** What one transaction appended, the first of it at `first` and the rest right behind it. */
export function appendedSegment(entries: readonly NewEntry[], first: Place): Segment {
  const last = { ...first, position: first.position + entries.length - 1 }
  return { entries: arrayOf(entries, ({ digest: _, ...entry }) => entry), count: entries.length, first, last }
}

/** What was read, at whatever places. `entries` must not be empty. */
export function readSegment(entries: readonly StoredEntry[]): Segment {
  const { xid, position, recordedAt } = entries.at(-1)!
  return {
    entries: arrayOf(entries, entry => entry),
    count: entries.length,
    first: null,
    last: { xid, position, recordedAt }
  }
}

type Texts = Pick<StoredEntry, 'data' | 'change'>

/** `data` and `change` are JSON already: they are put in as they are, neither quoted here nor unquoted there. */
function arrayOf<E extends Texts>(entries: readonly E[], shown: (entry: E) => Texts): string {
  let text = '['
  for (const entry of entries) {
    const { data, change, ...rest } = shown(entry)
    const separator = text === '[' ? '' : ','
    text += `${separator}${JSON.stringify(rest).slice(0, -1)},"data":${data ?? 'null'},"change":${change ?? 'null'}}`
  }
  return `${text}]`
}

/** The segments as JSON text. */
export function segmentsText(segments: readonly Segment[]): string {
  return `[${segments.map(({ first, entries }) => `{"first":${JSON.stringify(first)},"entries":${entries}}`).join(',')}]`
}

/** The entries of segments that were parsed from such a text. */
export function entriesOf(segments: readonly { first: Place | null; entries: LogEntry[] }[]): LogEntry[] {
  return segments.flatMap(({ first, entries }) => {
    if (first) {
      entries.forEach((entry, i) => {
        entry.position = first.position + i
        entry.xid = first.xid
        entry.recordedAt = first.recordedAt
      })
    }
    return entries
  })
}
