import type { Database } from '@plimsoll/database'
import type { Clock } from '@plimsoll/resilience'
import { openSpool, type Spool } from '@plimsoll/spool'
import type { EventOutcome } from '../ingest/work.ts'
import { readCursor } from './cursor.ts'
import { Drain } from './drain.ts'
import { makeIdentity, readIdentity } from './identity.ts'
import { type EventsWork, encodeRecord, headerOf } from './record.ts'
import { checkShare, type Room, shedTypes } from './shedding.ts'
import { Waiting } from './waiting.ts'

export interface IngestSpoolOptions {
  /** Where it is: one process's own, on a disk that stays. */
  directory: string
  /** Bytes it may take. */
  maxBytes: number
  /** The store that is away now and then. At the opening it is there, and migrated. */
  database: Database
  clock: Clock
  onError(error: unknown): void
  onWarning(message: string, details: object): void
}

/** `spooled`: on this disk, and counted when the store is back. `shed`: not taken, since the project's room is nearly full. */
export type SpoolOutcome = 'spooled' | 'shed'
/** What came of an event, wherever it is now. */
export type Recorded = EventOutcome | SpoolOutcome

/** After a failure the store is not asked again for so long, by those who wait for an answer. */
const awayMs = 1_000
/** 500 events of a request with all their quotes escaped. */
const longestRecord = 16_000_000
/** Bytes that may wait in memory for the disk. */
const maxPendingBytes = 16_000_000

/** Opens the spool of a directory, and counts what an earlier process left there. Throws when this version cannot read it. */
export async function openIngestSpool(options: IngestSpoolOptions): Promise<IngestSpool> {
  const { directory, maxBytes, database, clock, onError } = options
  const known = await readIdentity(directory)
  const after = known === undefined ? 0 : await readCursor(database, known)
  const spool = await openSpool({
    directory,
    maxBytes,
    maxPendingBytes,
    maxRecordBytes: Math.min(longestRecord, Math.floor(maxBytes / 2)),
    after,
    clock: { now: () => clock.wallNow() },
    onError
  })
  try {
    const id = known ?? (await makeIdentity(directory))
    const waiting = await countWaiting(spool, after)
    return new IngestSpool(options, spool, waiting, id, after)
  } catch (error) {
    await spool.close()
    throw error
  }
}

async function countWaiting(spool: Spool, applied: number): Promise<Waiting> {
  const waiting = new Waiting()
  for (let after = applied; ; ) {
    const page = await spool.read({ after })
    if (page.length === 0) return waiting
    for (const { record } of page) {
      const header = headerOf(record)
      waiting.begin(header.project, record.length)
      waiting.add(header)
    }
    after = page.at(-1)!.sequence
  }
}

/** Keeps the events of requests in a file while the store is away, and writes them to it when it is back. */
export class IngestSpool {
  readonly #spool: Spool
  readonly #drain: Drain
  readonly #waiting: Waiting
  readonly #clock: Clock
  readonly #maxBytes: number
  #isAway = false
  #failedAt = Number.NEGATIVE_INFINITY
  #shed = 0

  constructor(options: IngestSpoolOptions, spool: Spool, waiting: Waiting, id: string, applied: number) {
    const { database, clock, maxBytes, onError, onWarning } = options
    this.#spool = spool
    this.#waiting = waiting
    this.#clock = clock
    this.#maxBytes = maxBytes
    this.#drain = new Drain({
      database,
      spool,
      id,
      applied,
      clock,
      onError,
      onWarning,
      onTried: isAway => {
        this.#isAway = isAway
        if (!isAway) this.#failedAt = Number.NEGATIVE_INFINITY
      },
      onApplied: records => {
        for (const { record } of records) waiting.remove(headerOf(record), record.length)
      }
    })
  }

  /**
   * True while the store is believed to be away: asking it first would only make the answer late. With something waiting
   * the drain finds out when it is back; else the next request does, after a second.
   */
  get away(): boolean {
    return this.#isAway && (this.#waiting.records > 0 || this.#clock.now() - this.#failedAt < awayMs)
  }

  /** What waits and what was given up since the start. Bytes are those on the disk, the age is in milliseconds. */
  snapshot() {
    const { bytes, oldestAppendedAt } = this.#spool.state
    const { records, events } = this.#waiting
    const oldest = records === 0 ? null : oldestAppendedAt
    return {
      events,
      records,
      bytes,
      oldestAgeMs: oldest === null ? null : Math.max(0, Math.round(this.#clock.wallNow() - oldest)),
      away: this.away,
      shed: this.#shed
    }
  }

  /** Bytes it may take. */
  get maxBytes(): number {
    return this.#maxBytes
  }

  /** Events of a project that wait. */
  eventsOf(project: string): number {
    return this.#waiting.eventsOf(project)
  }

  /** Bytes of a project's records, those on their way to the disk among them. */
  bytesOf(project: string): number {
    return this.#waiting.bytesOf(project)
  }

  /** What waits of a project, and for how long at most: the oldest may be another's. */
  standingOf(project: string) {
    const events = this.eventsOf(project)
    return { events, bytes: this.bytesOf(project), oldestAgeMs: events === 0 ? null : this.snapshot().oldestAgeMs }
  }

  /** The store was just found to be away. */
  storeFailed(): void {
    this.#isAway = true
    this.#failedAt = this.#clock.now()
  }

  /**
   * Resolves when the events are on the disk, with an outcome each. Rejects with a SpoolError when they are not. The least
   * important are not taken when the project's room is nearly full, and nothing of one that has more than its share.
   */
  async keep(work: EventsWork): Promise<SpoolOutcome[]> {
    const room = this.#roomFor(work.project)
    const shed = shedTypes(room)
    const events = shed ? work.events.filter(({ type }) => !shed.has(type)) : work.events
    if (events.length > 0 || work.rejected > 0) {
      checkShare(room)
      await this.#append({ ...work, events })
    }
    this.#shed += work.events.length - events.length
    return work.events.map(({ type }) => (shed?.has(type) ? 'shed' : 'spooled'))
  }

  async #append(work: EventsWork): Promise<void> {
    const { project, events } = work
    const record = encodeRecord(work)
    this.#waiting.begin(project, record.length)
    try {
      await this.#spool.append(record)
    } catch (error) {
      this.#waiting.fail(project, record.length)
      throw error
    }
    this.#waiting.add({ ...work, events: events.length })
    this.#drain.wake()
  }

  #roomFor(project: string): Room {
    return {
      max: this.#maxBytes,
      // What is on its way to the disk is not in the spool's state.
      taken: Math.max(this.#spool.state.bytes, this.#waiting.bytes),
      own: this.#waiting.bytesOf(project),
      projects: this.#waiting.projectsWith(project)
    }
  }

  start(): void {
    this.#drain.start()
  }

  /** Ends what was begun. What waits stays on the disk for the next start. */
  async close(): Promise<void> {
    await this.#drain.stop()
    await this.#spool.close()
  }
}
