import {
  type Database,
  DatabaseError,
  GroupCommit,
  migrate,
  type Queryable,
  type Transaction
} from '@plimsoll/database'
import { type Cursor, start } from '../entry.ts'
import { Protection, type ProtectionOptions } from '../erasure/protection.ts'
import { readSnapshot, type Snapshot, type SnapshotPolicy, writeSnapshot } from '../snapshots/snapshot.ts'
import { type Evolution, type EvolutionOptions, evolution } from '../upcasting/evolution.ts'
import type { Appended, AppendedAll, AppendOptions, AppendOutcome, AppendRequest, Part } from './append.ts'
import { forgetAppends, readAppended } from './append-keys.ts'
import { appendRequests } from './append-statement.ts'
import { moveCheckpoint, readCheckpoint } from './checkpoint.ts'
import { cutAt } from './cut.ts'
import { decode } from './decode.ts'
import { AppendKeyReusedError, StreamFencedError, WrongVersionError } from './errors.ts'
import type { NewEvent, StreamEvent } from './event.ts'
import { countBehind, type LagReport, lagBehind } from './lag.ts'
import { prepareRequest } from './prepare.ts'
import {
  type EventPage,
  type ReadAllOptions,
  type ReadStreamOptions,
  readAll,
  readPage,
  readStream,
  readStreamPages,
  type Source
} from './read.ts'
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
   * @throws AppendKeyReusedError when `key` belongs to an append of something else
   */
  async append(stream: string, events: readonly NewEvent[], options: AppendOptions): Promise<Appended> {
    const { expected, ...rest } = options
    const { versions, cursor, repeated } = await this.appendAll([{ stream, events, expected }], rest)
    return { version: versions[0]!, cursor, repeated }
  }

  /** Appends to several streams, all or nothing. */
  async appendAll(
    parts: readonly Part[],
    { metadata = {}, tx, key }: Omit<AppendOptions, 'expected'> = {}
  ): Promise<AppendedAll> {
    const request = await prepareRequest(parts, metadata, key, this.#coding(tx))
    const outcome = await (tx ? this.#appendIn(tx, request) : this.#appendInGroup(request))
    if ('reused' in outcome) throw new AppendKeyReusedError(outcome.reused)
    if ('refused' in outcome) {
      const { stream, expected, actual } = outcome.refused
      throw new WrongVersionError(stream, expected, actual)
    }
    return outcome
  }

  /** What became of the append with this key; undefined when none was written. */
  appended(key: string, tx?: Queryable): Promise<AppendedAll | undefined> {
    return readAppended(tx ?? this.database, this.schema, key)
  }

  /** Forgets the keys of appends before a moment (milliseconds since 1970), 10,000 at most. Returns how many. */
  forgetAppends(before: number): Promise<number> {
    return forgetAppends(this.database, this.schema, before)
  }

  /** The events of one stream, from the first on or backward, all or up to some moment. */
  readStream(stream: string, options: ReadStreamOptions = {}): AsyncGenerator<StreamEvent> {
    return readStream(this.#source(options), stream, options)
  }

  /** The same in arrays of up to `batch` events, each one question: faster where there are many. */
  readStreamPages(stream: string, options: ReadStreamOptions = {}): AsyncGenerator<StreamEvent[]> {
    return readStreamPages(this.#source(options), stream, options)
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

  /** Events behind `cursor`: counted to 100,000, and beyond that judged by positions. */
  countBehind(cursor: Cursor = start): Promise<number> {
    return countBehind(this.database, this.schema, cursor)
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
    return readSnapshot(tx ?? this.database, this.#shelf(tx), stream, policy)
  }

  /** Keeps a state, unless a later one is kept. */
  keepSnapshot(
    stream: string,
    policy: SnapshotPolicy,
    snapshot: Pick<Snapshot, 'version' | 'state' | 'subjects'>
  ): Promise<void> {
    return writeSnapshot(this.database, this.#shelf(), stream, policy, snapshot)
  }

  #shelf(tx?: Queryable) {
    const { evolution, ...keys } = this.#coding(tx)
    return { schema: this.schema, fingerprint: evolution.fingerprint, ...keys }
  }

  #coding(tx: Queryable | undefined) {
    const keysIn = this.#protection?.keyring.database === this.database ? tx : undefined
    return { evolution: this.#evolution, protection: this.#protection, keysIn }
  }

  #source({ tx, sealed, unreadable = 'throw' }: Pick<ReadAllOptions, 'tx' | 'sealed' | 'unreadable'> = {}): Source {
    const coding = this.#coding(tx)
    const decoding = { ...coding, protection: sealed ? undefined : coding.protection, unreadable }
    const { storedNames } = this.#evolution
    return { db: tx ?? this.database, schema: this.schema, decode: rows => decode(rows, decoding), storedNames }
  }

  #appendInGroup(request: AppendRequest): Promise<AppendOutcome> {
    const weight = request.parts.reduce((sum, { events }) => sum + events.length, 0)
    return this.#group.submit(request, weight).catch(fenced)
  }

  async #appendIn(tx: Transaction, request: AppendRequest): Promise<AppendOutcome> {
    const [outcome] = await appendRequests(tx, this.schema, [request]).catch(fenced)
    if ('versions' in outcome! && !outcome.repeated) tx.notify(channelOf(this.schema))
    return outcome!
  }
}

function fenced(error: unknown): never {
  throw error instanceof DatabaseError && error.constraint === 'stream_fence' ? new StreamFencedError(error) : error
}
