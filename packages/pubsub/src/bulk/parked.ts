import type { Queryable } from '@plimsoll/database'
import type { LogEntry } from '@plimsoll/eventlog'
import { type Failure, failAgain, type Parking, park, unpark } from '../consumer/parking.ts'

/** Parked entries of a log, in the tables of dead letters: `DeadLetters` lists, retries, edits and discards them too. */

/** The schema of those tables, in the consumer's own store. */
export const bulkSchema = 'subscribers'
export const bulkTopic = 'log'

const placeOf = (group: string) => ({ topic: bulkTopic, group, partition: 0 })

/** The lanes in which something waits, and how many milliseconds until the next head is due; `null` when none is. */
export interface Lanes {
  lanes: Set<string>
  dueInMs: number | null
}

export async function lanesOf(db: Queryable, group: string): Promise<Lanes> {
  const { rows } = await db.query<{ lane: string; due: number | null }>(
    `select lane, min(extract(epoch from due_at - clock_timestamp()) * 1000)
       filter (where state = 'retrying')::float8 as due
     from ${bulkSchema}.parked where topic = $1 and grp = $2 and partition = 0 and state <> 'discarded' group by lane`,
    [bulkTopic, group]
  )
  const dues = rows.flatMap(({ due }) => (due === null ? [] : [Math.max(0, due)]))
  return { lanes: new Set(rows.map(({ lane }) => lane)), dueInMs: dues.length === 0 ? null : Math.min(...dues) }
}

/** `failure` is null for entries that only wait behind one. */
export async function parkEntries(
  tx: Queryable,
  group: string,
  entries: readonly LogEntry[],
  laneOf: (entry: LogEntry) => string,
  failure: Failure | null
): Promise<void> {
  const parkings = entries.map((entry): Parking => {
    const lane = laneOf(entry)
    const attributes = { type: entry.type, id: entry.id, time: new Date(entry.time).toISOString() }
    const data = Buffer.from(JSON.stringify(entry))
    const envelope = { id: entry.id, key: lane, partition: 0, attributes, headers: {}, data }
    const position = `${entry.xid}.${entry.position}`
    return { delivery: { envelope, position, publishedAt: entry.recordedAt }, lane, failure }
  })
  await park(tx, bulkSchema, placeOf(group), parkings)
}

export interface DueEntry {
  number: number
  lane: string
  /** This try included. */
  attempts: number
  entry: LogEntry
}

/** Takes the head of a lane that is due, and counts the try before it is made: what kills its consumer comes to an end. */
export async function takeDueEntry(tx: Queryable, group: string): Promise<DueEntry | undefined> {
  const { rows } = await tx.query<{ number: number; lane: string; attempts: number; data: Buffer }>(
    `update ${bulkSchema}.parked set attempts = attempts + 1 where number = (
       select number from ${bulkSchema}.parked where topic = $1 and grp = $2 and partition = 0 and state = 'retrying'
         and due_at <= clock_timestamp() order by due_at, number limit 1)
     returning number, lane, attempts, data`,
    [bulkTopic, group]
  )
  const [row] = rows
  if (!row) return undefined
  const { data, ...due } = row
  return { ...due, entry: JSON.parse(Buffer.from(data).toString()) as LogEntry }
}

export const unparkEntry = (tx: Queryable, group: string, due: DueEntry) => unpark(tx, bulkSchema, placeOf(group), due)
export const failEntryAgain = (tx: Queryable, number: number, failure: Failure) =>
  failAgain(tx, bulkSchema, number, failure)
export const giveEntryBack = (tx: Queryable, number: number) =>
  tx.query(`update ${bulkSchema}.parked set attempts = attempts - 1 where number = $1`, [number])
