import { DatabaseError, type Queryable } from '@plimsoll/database'
import { erasedIn, type Protection, subjectsIn } from '../erasure/protection.ts'
import type { Evolution } from '../upcasting/evolution.ts'
import { UnreadableEventError } from './errors.ts'
import type { StreamEvent } from './event.ts'
import type { EventRow } from './rows.ts'

export interface Decoding {
  evolution: Evolution
  /** Opens what is sealed; without it all stays as it is. */
  protection: Protection | undefined
  /** The caller's transaction sees keys that it made; keys in another database are not its business. */
  keysIn: Queryable | undefined
  unreadable: 'throw' | 'tell'
}

/** Rows as events of today: parsed, opened, upcast; those of removed types left out. */
export async function decode(rows: readonly EventRow[], decoding: Decoding): Promise<StreamEvent[]> {
  try {
    return await decodeAll(rows, decoding)
  } catch (error) {
    // A database that cannot be asked says nothing about an event.
    if (decoding.unreadable === 'throw' || error instanceof DatabaseError) throw error
  }
  // One of them is at fault: one at a time, to learn which.
  const events: StreamEvent[] = []
  for (const row of rows) events.push(...(await decodeOne(row, decoding)))
  return events
}

async function decodeAll(
  rows: readonly EventRow[],
  { evolution, protection, keysIn }: Decoding
): Promise<StreamEvent[]> {
  const parsed = rows.map(row => JSON.parse(row.data) as unknown)
  // Most have nothing personal in them, and to see that in the text is far cheaper than to walk through the data.
  const sealed = rows.map(row => row.data.includes('"$sealed"'))
  const opened = protection && sealed.includes(true) ? await protection.open(parsed, keysIn) : parsed
  const events: StreamEvent[] = []
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!
    const today = evolution.upcast(row.type, row.schemaVersion, opened[i])
    if (today) events.push(eventOf(row, today, sealed[i] ? subjectsOf(parsed[i], opened[i]) : []))
  }
  return events
}

async function decodeOne(row: EventRow, decoding: Decoding): Promise<StreamEvent[]> {
  try {
    return await decodeAll([row], decoding)
  } catch (cause) {
    if (cause instanceof DatabaseError) throw cause
    const event = eventOf(row, { type: row.type, data: undefined }, [])
    return [{ ...event, unreadable: new UnreadableEventError(event, cause) }]
  }
}

function eventOf(row: EventRow, { type, data }: { type: string; data: unknown }, subjects: string[]): StreamEvent {
  const { stream, version, id, xid, position, recordedAt, metadata } = row
  return { stream, version, id, type, data, metadata: metadata ?? {}, recordedAt, xid, position, subjects }
}

function subjectsOf(parsed: unknown, opened: unknown): string[] {
  const gone = erasedIn(opened)
  return [...new Set(subjectsIn(parsed))].filter(subject => !gone.includes(subject))
}
