import {
  type Database,
  DatabaseError,
  GroupCommit,
  migrate,
  type Queryable,
  type Transaction
} from '@plimsoll/database'
import { type Cursor, start } from '../entry.ts'
import { erasedIn, hasMark, Protection, type ProtectionOptions, subjectsIn } from '../erasure/protection.ts'
import { readSnapshot, type Snapshot, type SnapshotPolicy, writeSnapshot } from '../snapshots/snapshot.ts'
import { type Evolution, type EvolutionOptions, evolution } from '../upcasting/evolution.ts'
import {
  type AppendOutcome,
  type AppendRequest,
  appendRequests,
  checkParts,
  type Expected,
  type Part,
  type PreparedPart,
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
  /** How events of former versions, names and types are read. */
  evolution?: EvolutionOptions
  /** What in events is personal, and the keys for it. */
  protection?: ProtectionOptions
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
  readonly #evolution: Evolution
  readonly #protection: Protection | undefined
  #group: GroupCommit<AppendRequest, AppendOutcome>

  /** Creates the store's tables in `schema`, or brings them up to date. */
  static async migrate(database: Database, schema = 'events'): Promise<void> {
    await migrate(database, `eventstore:${schema}`, new URL('../store-migrations/', import.meta.url), { schema })
  }

  constructor(options: EventStoreOptions) {
    const { database, schema = 'events', committers, maxPending = 20_000 } = options
    this.database = database
    this.schema = schema
    this.#evolution = evolution(options.evolution)
    this.#protection = options.protection && new Protection(options.protection)
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
    const request: AppendRequest = await this.#prepare(parts, metadata, tx)
    const outcome = await (tx ? this.#appendIn(tx, request) : this.#appendInGroup(request))
    if ('refused' in outcome) {
      const { stream, expected, actual } = outcome.refused
      throw new WrongVersionError(stream, expected, actual)
    }
    return outcome
  }

  /** The events of one stream, from the first on or backward, all or up to some moment. */
  readStream(stream: string, options: ReadStreamOptions = {}): AsyncGenerator<StreamEvent> {
    return readStream(this.#source(options), stream, options)
  }

  /** The events of all streams, or of a category or some types, in the global order, up to the horizon. */
  readAll(options: ReadAllOptions = {}): AsyncGenerator<StreamEvent> {
    return readAll(this.#source(options), options)
  }

  /** One page of what `readAll` gives. */
  readPage(options: ReadAllOptions = {}): Promise<EventPage> {
    return readPage(this.#source(options), options)
  }

  /** Pages from a place on, without end, each as it comes. */
  subscribe(options: SubscribeOptions = {}): AsyncGenerator<EventPage> {
    return subscribe(this.database, this.#source(options), () => this.cutAt(), options)
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

  /** The same values with everything in them that was sealed opened, or `{ $erased: subject }` in its place. */
  async open<T>(values: readonly T[]): Promise<T[]> {
    return this.#protection ? this.#protection.open(values) : [...values]
  }

  /**
   * Destroys the key of a subject, here and wherever its sealed data is, and tells it by an event `subject.erased` in the
   * stream `erased/SUBJECT`, in one transaction where the keys are in the store's database. Returns false when it was done before.
   */
  async erase(subject: string): Promise<boolean> {
    const keyring = this.#protection?.keyring
    if (!keyring) throw new TypeError('this store protects nothing: it was made without protection')
    const events = [{ type: 'subject.erased', data: { subject } }]
    const tell = (tx?: Transaction) => this.append(`erased/${subject}`, events, { expected: 'any', ...(tx && { tx }) })
    if (keyring.database !== this.database) {
      const first = await keyring.destroy(subject)
      if (first) await tell()
      return first
    }
    const first = await this.database.transaction(async tx => {
      const destroyed = await keyring.destroy(subject, tx)
      if (destroyed) await tell(tx)
      return destroyed
    })
    keyring.forget(subject)
    return first
  }

  /** The last kept state of a stream that is of today's shape. */
  snapshot(stream: string, policy: SnapshotPolicy, tx?: Queryable): Promise<Snapshot | undefined> {
    return readSnapshot(tx ?? this.database, this.#shelf, stream, policy)
  }

  /** Keeps a state, unless a later one is kept. */
  keepSnapshot(
    stream: string,
    policy: SnapshotPolicy,
    snapshot: Pick<Snapshot, 'version' | 'state' | 'subjects'>
  ): Promise<void> {
    return writeSnapshot(this.database, this.#shelf, stream, policy, snapshot)
  }

  get #shelf() {
    return { schema: this.schema, fingerprint: this.#evolution.fingerprint, protection: this.#protection }
  }

  #source({ tx, sealed }: { tx?: Queryable; sealed?: boolean } = {}): Source {
    const { storedNames } = this.#evolution
    return {
      db: tx ?? this.database,
      schema: this.schema,
      decode: rows => this.#decode(rows, sealed ? undefined : this.#protection, tx),
      storedNames
    }
  }

  /** The caller's transaction sees keys that it made; keys in another database are not its business. */
  async #decode(rows: readonly EventRow[], protection: Protection | undefined, tx?: Queryable): Promise<StreamEvent[]> {
    const parsed = rows.map(row => JSON.parse(row.data) as unknown)
    const inKeys = protection?.keyring.database === this.database ? tx : undefined
    const opened = protection ? await protection.open(parsed, inKeys) : parsed
    return rows.flatMap(({ schemaVersion, metadata, ...rest }, i) => {
      const today = this.#evolution.upcast(rest.type, schemaVersion, opened[i])
      if (!today) return []
      const gone = erasedIn(opened[i])
      const subjects = [...new Set(subjectsIn(parsed[i]))].filter(subject => !gone.includes(subject))
      return [{ ...rest, ...today, metadata: metadata ?? {}, subjects }]
    })
  }

  async #prepare(parts: readonly Part[], metadata: EventMetadata, tx?: Transaction): Promise<AppendRequest> {
    const request: PreparedPart[] = []
    for (const { stream, expected, events } of parts) {
      const versions = events.map(({ type, data }) => {
        if (hasMark(data))
          throw new RangeError(`the data of a "${type}" has $sealed or $erased in it, which are the store's own`)
        return this.#evolution.versionOf(type)
      })
      const named = events.map(withId)
      const inKeys = this.#protection?.keyring.database === this.database ? tx : undefined
      const sealed = this.#protection ? await this.#protection.seal(named, inKeys) : named
      request.push({ stream, expected, events: sealed.map((event, i) => prepareEvent(event, versions[i]!, metadata)) })
    }
    return request
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

function fenced(error: unknown): never {
  throw error instanceof DatabaseError && error.constraint === 'stream_fence' ? new StreamFencedError(error) : error
}
