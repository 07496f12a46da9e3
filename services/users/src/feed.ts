import { type Cursor, type EventPage, type EventStore, type StreamEvent, start } from '@plimsoll/eventlog'
import type { FeedEvent, FeedPage } from './contract.ts'
import { told, type UserEvent, userOf } from './user/events.ts'

/** Between two looks for what other processes wrote, in milliseconds; what this one writes is heard of at once. */
const pollMs = 1_000

const cursorOf = ({ xid, position }: Cursor) => `${xid}-${position}`

function placeOf(after: string | undefined): Cursor {
  if (after === undefined) return start
  const [xid, position] = after.split('-')
  return { xid: xid!, position: Number(position) }
}

/** Pages of what happened to users, for who follows them. Personal fields stay sealed and at home. */
export class Feed {
  readonly #events: EventStore

  constructor(events: EventStore) {
    this.#events = events
  }

  /** The page behind a cursor, of so many events at most. */
  async page(after: string | undefined, limit: number): Promise<FeedPage> {
    return pageOf(await this.#events.readPage({ from: placeOf(after), batch: limit, sealed: true }))
  }

  /** Page after page, each as soon as it is there, until the signal is given. */
  async *follow(after: string | undefined, signal: AbortSignal): AsyncGenerator<FeedPage> {
    for await (const page of this.#events.subscribe({ from: placeOf(after), signal, pollMs, sealed: true }))
      yield pageOf(page)
  }
}

function pageOf({ events, cursor, caughtUp }: EventPage): FeedPage {
  return { events: events.flatMap(feedEvent), cursor: cursorOf(cursor), caughtUp }
}

function feedEvent({ id, type, stream, version, recordedAt, data, metadata }: StreamEvent): FeedEvent[] {
  const fields = told[type as UserEvent['type']]
  if (fields === undefined) return []
  const all = data as Record<string, unknown>
  const { correlationId, traceparent } = metadata
  return [
    {
      id,
      type,
      userId: userOf(stream),
      version,
      at: new Date(recordedAt).toISOString(),
      data: Object.fromEntries(fields.map(field => [field, all[field]])),
      ...(correlationId !== undefined && { correlationId }),
      ...(traceparent !== undefined && { traceparent })
    }
  ]
}
