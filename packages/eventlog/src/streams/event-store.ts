import {
  type Database,
  DatabaseError,
  GroupCommit,
  migrate,
  type Queryable,
  type Transaction
} from '@plimsoll/database'
import { type Cursor, start } from '../entry.ts'
import {
  type AppendOutcome,
  type AppendRequest,
  appendRequests,
  checkParts,
  type Expected,
  type Part,
  prepareEvent,
  withId
} from './append.ts'
import { moveCheckpoint, readCheckpoint } from './checkpoint.ts'
import { cutAt } from './cut.ts'
import { StreamFencedError, WrongVersionError } from './errors.ts'
import type { EventMetadata, NewEvent, StreamEvent } from './event.ts'
import { type LagReport, lagBehind } from './lag.ts'
import {
  type EventPage,
  type ReadAllOptions,
  type ReadStreamOptions,
  readAll,
  readPage,
  readStream,
  type Source
} from './read.ts'
import type { EventRow } from './rows.ts'
import { type SubscribeOptions, subscribe } from './subscribe.ts'
import { channelOf, wake } from './wake.ts'

export interface EventStoreOptions {
  database: Database
  /** Of the store's tables; a database may have several. Default `events`. */
  schema?: string
  /** Commits at once, of appends without a transaction of their own. Default 1 embedded, 2 on a server. */
  committers?: number
  /** Events that may wait for a commit; beyond it an append rejects with `QueueFullError`. Default 20,000. */
  maxPending?: number
}

export interface AppendOptions {
  expected: Expected
  /** For each event that says nothing else. */
  metadata?: EventMetadata
  /** The caller's own transaction of the store's database: events are written when it commits. */
  tx?: Transaction
}

export interface Appended {
  /** Of the last event written. */
  version: number
  /** A place in the global order at or right after the events: what has passed it has seen them. */
  cursor: Cursor
}

/** Streams of events in one schema of a database. */
export class EventStore {
  readonly database: Database
  readonly schema: string
  #group: GroupCommit<AppendRequest, AppendOutcome>

  /** Creates the store's tables in `schema`, or brings them up to date. */
  static async migrate(database: Database, schema = 'events'): Promise<void> {
    await migrate(database, `eventstore:${schema}`, new URL('../store-migrations/', import.meta.url), { schema })
  }

  constructor({ database, schema = 'events', committers, maxPending = 20_000 }: EventStoreOptions) {
    this.database = database
    this.schema = schema
    this.#group = new GroupCommit({
      commit: async requests => {
        const outcomes = await appendRequests(database, schema, requests)
        wake(database, schema)
        return outcomes
      },
      maxBatch: 1_000,
      maxPending,
      committers: committers ?? (database.engine === 'pglite' ? 1 : 2)
    })
  }

  /**
   * Appends to one stream. Resolves after the commit, or, with `tx`, when the events wait for the caller's.
   * @throws WrongVersionError when the stream is not as expected
   * @throws StreamFencedError when `tx` is older than the stream's last append: begin again in a fresh transaction
   */
  async append(stream: string, events: readonly NewEvent[], options: AppendOptions): Promise<Appended> {
    const { expected, ...rest } = options
    const { versions, cursor } = await this.appendAll([{ stream, events, expected }], rest)
    return { version: versions[0]!, cursor }
  }

  /** Appends to several streams, all or nothing. `versions` are those of the parts' last events, in order. */
  async appendAll(
    parts: readonly Part[],
    { metadata = {}, tx }: Omit<AppendOptions, 'expected'> = {}
  ): Promise<{ versions: number[]; cursor: Cursor }> {
    checkParts(parts)
    const request = parts.map(({ stream, expected, events }) => ({
      stream,
      expected,
      events: events.map(event => prepareEvent(withId(event), 1, metadata))
    }))
    const outcome = await (tx ? this.#appendIn(tx, request) : this.#appendInGroup(request))
    if ('refused' in outcome) {
      const { stream, expected, actual } = outcome.refused
      throw new WrongVersionError(stream, expected, actual)
    }
    return outcome
  }

  /** The events of one stream, from the first on or backward, all or up to some moment. */
  readStream(stream: string, options: ReadStreamOptions = {}): AsyncGenerator<StreamEvent> {
    return readStream(this.#source(options.tx), stream, options)
  }

  /** The events of all streams, or of a category or some types, in the global order, up to the horizon. */
  readAll(options: ReadAllOptions = {}): AsyncGenerator<StreamEvent> {
    return readAll(this.#source(options.tx), options)
  }

  /** One page of what `readAll` gives. */
  readPage(options: ReadAllOptions = {}): Promise<EventPage> {
    return readPage(this.#source(options.tx), options)
  }

  /** Pages from a place on, without end, each as it comes. */
  subscribe(options: SubscribeOptions = {}): AsyncGenerator<EventPage> {
    return subscribe(this.database, this.#source(), () => this.cutAt(), options)
  }

  /**
   * A consistent cut of the whole store at a moment (milliseconds since 1970, by the store's clock), or of now, for `until`.
   * Nothing recorded later is in it.
   */
  cutAt(at?: number): Promise<Cursor> {
    return cutAt(this.database, this.schema, at)
  }

  /** How far a reader at `cursor` is behind, and which backend keeps events from all readers. */
  lag(cursor: Cursor = start): Promise<LagReport> {
    return lagBehind(this.database, this.schema, cursor)
  }

  /** Where the subscriber of this name is; the beginning for a new one. */
  checkpoint(name: string, tx?: Queryable): Promise<Cursor> {
    return readCheckpoint(tx ?? this.database, this.schema, name)
  }

  /**
   * Moves a checkpoint, if it still is at `from`, in the transaction of what was done with the events between.
   * @throws CheckpointMovedError when another consumer of this name was faster
   */
  moveCheckpoint(tx: Transaction, move: { name: string; from: Cursor; to: Cursor }): Promise<void> {
    return moveCheckpoint(tx, this.schema, move)
  }

  /** Takes no more appends, and resolves when those that were taken are answered. The database stays open. */
  close(): Promise<void> {
    return this.#group.close()
  }

  #source(db: Queryable = this.database): Source {
    return { db, schema: this.schema, decode: async rows => rows.map(toEvent) }
  }

  #appendInGroup(request: AppendRequest): Promise<AppendOutcome> {
    const weight = request.reduce((sum, { events }) => sum + events.length, 0)
    return this.#group.submit(request, weight).catch(fenced)
  }

  async #appendIn(tx: Transaction, request: AppendRequest): Promise<AppendOutcome> {
    const [outcome] = await appendRequests(tx, this.schema, [request]).catch(fenced)
    if (!('refused' in outcome!)) tx.notify(channelOf(this.schema))
    return outcome!
  }
}

function toEvent({ schemaVersion: _, data, metadata, ...rest }: EventRow): StreamEvent {
  return { ...rest, data: JSON.parse(data), metadata: metadata ?? {} }
}

function fenced(error: unknown): never {
  throw error instanceof DatabaseError && error.constraint === 'stream_fence' ? new StreamFencedError(error) : error
}
