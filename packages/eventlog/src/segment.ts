import type { Cursor, LogEntry, NewEntry } from './entry.ts'

/**
 * Entries in a row as the bytes of JSON. Between the thread that writes an embedded log, the event loop and the thread of
 * a read model they change hands without a copy, and are parsed only where they are used: as objects or strings they
 * would fill the young generation of the event loop's heap, whose collections every request waits for.
 */
export interface Segment {
  /** A JSON array in UTF-8. Those appended by one transaction have no place of their own: it follows from `first`. */
  entries: Uint8Array<ArrayBuffer>
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
  return { entries: arrayOf(entries), count: entries.length, first, last }
}

const utf8 = new TextEncoder()

const text = JSON.stringify

/** Written out by name: this is done for each event, in the thread that commits it. */
function appended({ tenant, id, type, time, stream, subject, data, change }: NewEntry): string {
  // `data` and `change` are JSON already: they are put in as they are, neither quoted here nor unquoted there.
  return `{"tenant":${text(tenant)},"id":"${id}","type":${text(type)},"time":${time},"stream":${text(stream)},"subject":${text(subject)},"data":${data ?? 'null'},"change":${change ?? 'null'}}`
}

function arrayOf(entries: readonly NewEntry[]): Uint8Array<ArrayBuffer> {
  let array = ''
  for (const entry of entries) array += array === '' ? `[${appended(entry)}` : `,${appended(entry)}`
  return utf8.encode(`${array}]`)
}

/** The segments as a JSON array, in pieces. */
export function segmentPieces(segments: readonly Segment[]): Uint8Array[] {
  const pieces = segments.flatMap(({ first, entries }, i) => [
    utf8.encode(`${i === 0 ? '[' : ','}{"first":${JSON.stringify(first)},"entries":`),
    entries,
    utf8.encode('}')
  ])
  return [...pieces, utf8.encode(segments.length === 0 ? '[]' : ']')]
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
