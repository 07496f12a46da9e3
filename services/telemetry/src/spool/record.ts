import type { ValidEvent } from '../ingest/validate.ts'
import type { Work } from '../ingest/work.ts'

export type EventsWork = Extract<Work, { kind: 'events' }>

/** What can be told of a record without reading its events. */
export interface RecordHeader {
  project: string
  /** Minute of receipt, in milliseconds since 1970: the books keep it. */
  minute: number
  events: number
  rejected: number
}

/** A record that this version cannot read. It is left where it is. */
export class UnreadableRecordError extends Error {
  override readonly name = 'UnreadableRecordError'
  readonly code = 'SPOOL_RECORD_UNREADABLE'

  constructor(why: string) {
    super(`A spooled record cannot be read: ${why}. A newer version may have written it.`)
  }
}

const version = 1
const lineFeed = 0x0a

/** One request's events: a line that counts them, then they. JSON text has no line feed of its own. */
export function encodeRecord({ project, minute, rejected, events }: EventsWork): Buffer {
  const header = JSON.stringify({ v: version, project, minute, rejected, events: events.length })
  return Buffer.from(`${header}\n${JSON.stringify(events)}`)
}

/** @throws UnreadableRecordError */
export function headerOf(record: Buffer): RecordHeader {
  const header = parse(record.subarray(0, endOfHeader(record))) as Partial<RecordHeader & { v: number }> | null
  if (header?.v !== version) throw new UnreadableRecordError(`its version is ${JSON.stringify(header?.v)}`)
  const { project, minute, events, rejected } = header
  if (typeof project !== 'string' || !isCount(minute) || !isCount(events) || !isCount(rejected))
    throw new UnreadableRecordError('its header lacks a field')
  return { project, minute, events, rejected }
}

/** @throws UnreadableRecordError */
export function decodeRecord(record: Buffer): EventsWork {
  const { project, minute, rejected, events: count } = headerOf(record)
  const events = parse(record.subarray(endOfHeader(record) + 1))
  if (!Array.isArray(events) || events.length !== count)
    throw new UnreadableRecordError('its events are not what its header says')
  return { kind: 'events', project, minute, rejected, events: events as ValidEvent[] }
}

function endOfHeader(record: Buffer): number {
  const end = record.indexOf(lineFeed)
  return end === -1 ? record.length : end
}

function parse(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString('utf8'))
  } catch {
    throw new UnreadableRecordError('it is not JSON')
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
