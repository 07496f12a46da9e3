import type { Queryable } from '@plimsoll/database'
import { type Cursor, start } from '../entry.ts'
import type { StreamEvent } from './event.ts'
import { type Filter, readOrderRows } from './order-rows.ts'
import { type EventRow, readStreamRows } from './rows.ts'

/** Where and how to read: in the caller's transaction, and how rows become events. */
export interface Source {
  db: Queryable
  schema: string
  decode(rows: readonly EventRow[]): Promise<StreamEvent[]>
  /** The names under which events of these types may lie in the table. */
  storedNames(types: readonly string[]): string[]
}

export interface ReadStreamOptions {
  /** Versions, both included. Default: all. */
  from?: number
  to?: number
  backward?: boolean
  /** Time travel: the stream as it was at this moment, in milliseconds since 1970 by the store's clock. */
  at?: number
  /** Time travel: the stream as it was at this cut of the whole store, see `cutAt`. */
  until?: Cursor
  /** Events a question to the database, 1 to 10,000. Default 1,000. */
  batch?: number
  /** Leaves what is personal sealed. Default: opened. */
  sealed?: boolean
  /** Reads what this transaction sees, its own appends too. */
  tx?: Queryable
}

export interface ReadAllOptions extends Filter {
  /** Right behind this place. Default: the beginning; backward, the end. */
  from?: Cursor
  backward?: boolean
  /** Forward: up to here. Backward: down to here, not included. */
  until?: Cursor
  /** Events a page, 1 to 10,000. Default 1,000. */
  batch?: number
  /** Leaves what is personal sealed. Default: opened. */
  sealed?: boolean
  /** An event that cannot be read: throw, or give it without data and with `unreadable`. Default `throw`. */
  unreadable?: 'throw' | 'tell'
  tx?: Queryable
}

/** Events in a row, and how far they reach. */
export interface EventPage {
  events: StreamEvent[]
  /** Behind all that was passed, filtered events too. */
  cursor: Cursor
  /** True when nothing committed lay behind it, not even above the horizon. */
  caughtUp: boolean
}

export async function* readStreamPages(
  { db, schema, decode }: Source,
  stream: string,
  { from = 1, to = Number.MAX_SAFE_INTEGER, backward = false, at, until, batch = 1_000 }: ReadStreamOptions
): AsyncGenerator<StreamEvent[]> {
  checkBatch(batch)
  let [low, high] = [from, to]
  while (low <= high) {
    const rows = await readStreamRows(db, schema, stream, { from: low, to: high, backward, limit: batch, until, at })
    const last = rows.at(-1)
    if (last) yield await decode(rows)
    if (!last || rows.length < batch) return
    if (backward) high = last.version - 1
    else low = last.version + 1
  }
}

export async function* readStream(
  source: Source,
  stream: string,
  options: ReadStreamOptions
): AsyncGenerator<StreamEvent> {
  for await (const events of readStreamPages(source, stream, options)) yield* events
}

export async function readPage(source: Source, options: ReadAllOptions): Promise<EventPage> {
  const { from, backward = false, until, batch = 1_000, category, types } = options
  checkBatch(batch)
  const range = { from, until, backward, limit: batch, category, types: types && source.storedNames(types) }
  const { rows, cursor, caughtUp } = await readOrderRows(source.db, source.schema, range)
  return { events: await source.decode(rows), cursor: cursor ?? from ?? start, caughtUp }
}

export async function* readAll(source: Source, options: ReadAllOptions): AsyncGenerator<StreamEvent> {
  let from = options.from
  for (;;) {
    const { events, cursor } = await readPage(source, { ...options, ...(from && { from }) })
    yield* events
    const before = from ?? start
    if (before.xid === cursor.xid && before.position === cursor.position) return
    from = cursor
  }
}

function checkBatch(batch: number): void {
  if (!Number.isInteger(batch) || batch < 1 || batch > 10_000) {
    throw new RangeError(`batch is a whole number from 1 to 10,000, and not ${batch}`)
  }
}
