import type { Cursor } from '../entry.ts'
import type { UnreadableEventError } from './errors.ts'

/** Who and what led to an event. The ids are whatever the caller uses, UUIDs for instance. */
export interface EventMetadata {
  /** The same for all that one request, saga or job set going. */
  correlationId?: string
  /** The id of the command or event that this one answers. */
  causationId?: string
  /** Who did it: a user, a service. Not personal data: it is kept in clear. */
  actor?: string
  /** W3C Trace Context, as it came with the request. */
  traceparent?: string
}

/** What is appended. `data` is kept as JSON (jsonb: the order of keys is not kept). */
export interface NewEvent {
  type: string
  data: unknown
  /** A UUID; a new UUIDv7 when absent. */
  id?: string
  metadata?: EventMetadata
}

/** An event as it is read. `xid` and `position` together are its place in the global order. */
export interface StreamEvent<Type extends string = string, Data = unknown> extends Cursor {
  stream: string
  /** The first event of a stream has version 1. */
  version: number
  id: string
  type: Type
  data: Data
  metadata: EventMetadata
  /** By the clock of the store, in milliseconds since 1970. */
  recordedAt: number
  /** Whose personal data is in it: was sealed, and can be opened. */
  subjects: readonly string[]
  /** Why its data is missing, where unreadable events were to be told (`unreadable: 'tell'`) rather than thrown. */
  unreadable?: UnreadableEventError
}

/** True when `a` stands after `b` in the global order. */
export function isAfter(a: Cursor, b: Cursor): boolean {
  const [x, y] = [BigInt(a.xid), BigInt(b.xid)]
  return x > y || (x === y && a.position > b.position)
}
