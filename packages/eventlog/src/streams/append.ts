import { randomUUIDv7 } from 'node:crypto'
import type { Queryable } from '@plimsoll/database'
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
export type AppendRequest = readonly PreparedPart[]

/** Where a request's events stand, or the first of its parts that was refused. */
export type AppendOutcome =
  | { versions: number[]; cursor: Cursor }
  | { refused: { stream: string; expected: Expected; actual: number } }

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

function checkName(what: string, name: string): void {
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

const coded = (expected: Expected) =>
  expected === 'any' ? -1 : expected === 'exists' ? -2 : expected === 'none' ? 0 : expected

const mayCreate = (expected: Expected) => expected === 'any' || expected === 'none' || expected === 0

/** Checks and writes many requests in one round trip. A refused one costs the others nothing. */
export async function appendRequests(
  db: Queryable,
  schema: string,
  requests: readonly AppendRequest[]
): Promise<AppendOutcome[]> {
  const batch = columnsOf(requests)
  const { rows } = await db.query<{
    starts: (number | null)[]
    actual: number[]
    xid: string
    last_position: number
  }>(`select * from "${schema}".append($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13)`, batch)
  const { starts, actual, xid, last_position: position } = rows[0]!
  let at = 0
  return requests.map(parts => {
    const first = at
    at += parts.length
    if (starts[first] === null) {
      const met = parts.findIndex((part, i) => !meets(part.expected, actual[first + i]!))
      return { refused: { ...parts[met]!, actual: actual[first + met]! } }
    }
    const versions = parts.map(({ events }, i) => starts[first + i]! + events.length)
    return { versions, cursor: { xid, position } }
  })
}

function meets(expected: Expected, version: number): boolean {
  const code = coded(expected)
  return code === -1 || (code === -2 ? version > 0 : code === version)
}

/** Streams sorted, so that two batches lock theirs in one order. */
function columnsOf(requests: readonly AppendRequest[]): unknown[] {
  const creatable = new Map<string, boolean>()
  for (const parts of requests) {
    for (const { stream, expected } of parts) {
      creatable.set(stream, creatable.get(stream) || mayCreate(expected))
    }
  }
  const names = [...creatable.keys()].sort()
  const indexes = new Map(names.map((name, i) => [name, i + 1]))
  const part: [request: number[], stream: number[], expected: number[], count: number[]] = [[], [], [], []]
  const event: [number[], number[], string[], string[], number[], string[], (string | null)[]] = [
    [],
    [],
    [],
    [],
    [],
    [],
    []
  ]
  requests.forEach((parts, request) => {
    for (const { stream, expected, events } of parts) {
      part[0].push(request)
      part[1].push(indexes.get(stream)!)
      part[2].push(coded(expected))
      const number = part[3].push(events.length)
      events.forEach(({ id, type, schemaVersion, data, metadata }, i) => {
        event[0].push(number)
        event[1].push(i + 1)
        event[2].push(id)
        event[3].push(type)
        event[4].push(schemaVersion)
        event[5].push(data)
        event[6].push(metadata)
      })
    }
  })
  return [names, names.map(name => creatable.get(name)!), ...part, ...event]
}
