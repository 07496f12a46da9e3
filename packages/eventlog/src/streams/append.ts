import { randomUUIDv7 } from 'node:crypto'
import type { Transaction } from '@plimsoll/database'
import type { Cursor } from '../entry.ts'
import type { EventMetadata, NewEvent } from './event.ts'

/**
 * What must be true of a stream for an append: no event yet, at least one, nothing at all, or exactly this version (the
 * version of its last event; 0 is the same as `'none'`). Kurrent's four, all of them checked.
 */
export type Expected = 'none' | 'exists' | 'any' | number

/** Events for one stream. */
export interface Part {
  stream: string
  events: readonly NewEvent[]
  expected: Expected
}

export interface AppendOptions {
  expected: Expected
  /** For each event that says nothing else. */
  metadata?: EventMetadata
  /** The caller's own transaction of the store's database: events are written when it commits. */
  tx?: Transaction
  /**
   * Names the request, so that one that is sent again after an answer that was lost is recognised: it gets the answer of the
   * first and writes nothing. 1 to 500 characters, kept until `forgetAppends`.
   */
  key?: string
}

export interface Appended {
  /** Of the last event written. */
  version: number
  /** A place in the global order at or right after the events: what has passed it has seen them. */
  cursor: Cursor
  /** True when the key of the append was known: it was written before, and the answer is that of then. */
  repeated: boolean
}

/** What `appendAll` tells. */
export interface AppendedAll {
  /** Before the first and of the last event of each part, in order. */
  starts: number[]
  versions: number[]
  cursor: Cursor
  repeated: boolean
}

/** An event in the form in which it is stored. */
export interface PreparedEvent {
  id: string
  type: string
  schemaVersion: number
  data: string
  metadata: string | null
}

export interface PreparedPart {
  stream: string
  expected: Expected
  events: readonly PreparedEvent[]
}

/** Parts that are written together or not at all. */
export interface AppendRequest {
  parts: readonly PreparedPart[]
  /** By which a retry is recognised, and the digest of what was to be appended, in hexadecimal. */
  key?: { name: string; digest: string } | undefined
}

/** Where a request's events stand, the first of its parts that was refused, or that its key belongs to another. */
export type AppendOutcome =
  | { starts: number[]; versions: number[]; cursor: Cursor; repeated: boolean }
  | { refused: { stream: string; expected: Expected; actual: number } }
  | { reused: string }

/** What stands before the first slash of a stream's name. */
export const categoryOf = (stream: string) => stream.split('/', 1)[0]!

const longestName = 500
const longestData = 1_000_000
const mostEvents = 10_000

/** Refuses what cannot be written, before anything is. */
export function checkParts(parts: readonly Part[]): void {
  if (parts.length === 0) throw new RangeError('an append needs at least one stream')
  if (new Set(parts.map(({ stream }) => stream)).size < parts.length) {
    throw new RangeError('a stream may stand once in an append: put its events into one list')
  }
  let events = 0
  for (const part of parts) {
    checkName('stream', part.stream)
    checkExpected(part.expected)
    if (part.events.length === 0) throw new RangeError(`the append to "${part.stream}" has no event`)
    events += part.events.length
  }
  if (events > mostEvents) throw new RangeError(`an append may have ${mostEvents} events, and this one has ${events}`)
}

export function checkName(what: string, name: string): void {
  if (typeof name !== 'string' || name === '' || name.length > longestName) {
    throw new RangeError(`the name of a ${what} has 1 to ${longestName} characters`)
  }
}

function checkExpected(expected: Expected): void {
  if (expected === 'none' || expected === 'exists' || expected === 'any') return
  if (!Number.isSafeInteger(expected) || expected < 0) {
    throw new RangeError(`expected is 'none', 'exists', 'any' or a version, and not ${expected}`)
  }
}

/** `shared` is metadata of the whole append; an event's own goes before it. */
export function prepareEvent(
  event: NewEvent & { id: string },
  schemaVersion: number,
  shared: EventMetadata
): PreparedEvent {
  checkName('type', event.type)
  const data = JSON.stringify(event.data ?? null)
  if (data.length > longestData) {
    throw new RangeError(`the data of a "${event.type}" has ${data.length} characters; ${longestData} are the limit`)
  }
  const metadata = JSON.stringify({ ...shared, ...event.metadata })
  return { id: event.id, type: event.type, schemaVersion, data, metadata: metadata === '{}' ? null : metadata }
}

export const withId = (event: NewEvent): NewEvent & { id: string } => ({ ...event, id: event.id ?? randomUUIDv7() })
