import { setTimeout as sleep } from 'node:timers/promises'
import { type Database, DatabaseError, migrate, type Queryable, type Transaction } from '@plimsoll/database'
import { type Cursor, type LogEntry, start } from './entry.ts'
import { entriesOf, type Place, type Segment, segmentPieces } from './segment.ts'
import { type LogReader, SharedLog } from './shared-log.ts'

/** Another consumer of the same name moved the cursor: this one must not write what that one has written. */
export class CursorMovedError extends DatabaseError {
  override name = 'CursorMovedError'
  constructor(name: string) {
    super(
      `the cursor of "${name}" was moved by another process; only one may run it at a time`,
      'PLIMSOLL_CURSOR_MOVED'
    )
  }
}

export interface ProjectionOptions {
  /** Names the cursor. Two projections of one name share it and exclude each other. */
  name: string
  /** Where the log is. A `SharedLog` reads it once for all that are given it. */
  log: Database | SharedLog
  /** Where the read model and the cursor are; the same database or another. */
  store: Database
  /**
   * Changes the read model by a step: applies its entries and calls `moveCursor`, both in one transaction of `store`, so
   * that each entry is applied once. `applyInTransaction` makes one from a plain function; a procedure beside the
   * engine (`Database.call`) keeps the work off this thread.
   */
  advance(step: Step): Promise<void>
  /** Entries a transaction, asked for before each. Default 1,000: small ones keep readers of the store from waiting. */
  batch?: number | (() => number)
  /** Least time between two batches while caught up, in milliseconds. Default 100. */
  paceMs?: number
  /** Time between looks when no commit is heard of, in milliseconds. Default 250. */
  pollMs?: number
  /** Told of each failed round; the projection goes on by itself, slower each time up to 5 s. */
  onError?(error: unknown): void
  now?(): number
}

/** The move of one projection's cursor. */
export interface Move {
  name: string
  from: Cursor
  to: Cursor
}

/** One page of the log for one projection, unread, and the move of its cursor that goes with it. */
export interface Step extends Move {
  segments: readonly Segment[]
}

/** A step with its entries parsed. */
export interface ReadStep extends Move {
  entries: LogEntry[]
}

/** A step as the bytes of JSON, for a procedure beside the engine: what is JSON already is not made into JSON again. */
export function stepBytes({ name, from, to, segments }: Step): Uint8Array<ArrayBuffer> {
  const head = Buffer.from(`${JSON.stringify({ name, from, to }).slice(0, -1)},"segments":`)
  const pieces = [head, ...segmentPieces(segments), Buffer.from('}')]
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

export function readStep(bytes: Uint8Array): ReadStep {
  const text = new TextDecoder().decode(bytes)
  const { segments, ...move } = JSON.parse(text) as Move & { segments: Parameters<typeof entriesOf>[0] }
  return { ...move, entries: entriesOf(segments) }
}

/**
 * Moves the cursor, if it still is where the step began: in the transaction of the change, or by itself where the change is
 * elsewhere. Throws `CursorMovedError` when somebody else moved it.
 */
export async function moveCursor(tx: Pick<Queryable, 'query'>, { name, from, to }: Move): Promise<void> {
  const { affected } = await tx.query(
    `update eventlog_cursors.cursors set xid = $2, position = $3, moved_at = now()
     where name = $1 and xid = $4 and position = $5`,
    [name, to.xid, to.position, from.xid, from.position]
  )
  if (affected !== 1) throw new CursorMovedError(name)
}

/** `advance` for a projection whose change is a plain function of the entries, run in this thread. */
export function applyInTransaction(
  store: Database,
  apply: (tx: Transaction, entries: readonly LogEntry[]) => Promise<void>
): (step: Step) => Promise<void> {
  return step =>
    store.transaction(async tx => {
      await apply(tx, readStep(stepBytes(step)).entries)
      await moveCursor(tx, step)
    })
}

export interface ProjectionState {
  cursor: Cursor
  /** True when the last look found nothing left. */
  caughtUp: boolean
  /** Wall-clock milliseconds: everything recorded before it is in the read model. */
  asOf: number
  /** Age of the oldest entry not yet applied, in milliseconds, as of the last round; 0 when caught up. */
  lagMs: number
  /** Rounds that failed since the last that did not. */
  failures: number
  /** What the last of these met; null when there is none. */
  error: string | null
}

/** A step is over in less, or it is behind by what it holds, in milliseconds. */
const longStepMs = 1_000

/** Keeps a read model up to date with the log: cursor and change move in one transaction of the read model's store. */
export class Projection {
  #options: Required<Omit<ProjectionOptions, 'onError'>> & Pick<ProjectionOptions, 'onError'>
  #log: SharedLog
  #reader: LogReader
  #cursor: Cursor = start
  #loaded = false
  #caughtUp = false
  #asOf = 0
  #oldest = 0
  #applying: { since: number; oldest: number } | undefined
  #failures = 0
  #error: string | null = null
  readonly #beganAt: number
  #stopped = new AbortController()
  #wake: (() => void) | undefined
  #woken = false
  #running: Promise<void> | undefined
  #rounds: { after: number; resolve(): void }[] = []
  #round = 0

  constructor(options: ProjectionOptions) {
    this.#options = { batch: 1_000, paceMs: 100, pollMs: 250, now: Date.now, ...options }
    this.#beganAt = this.#options.now()
    const { log } = options
    this.#log = log instanceof SharedLog ? log : new SharedLog(log)
    this.#reader = this.#log.reader()
  }

  static async migrate(store: Database): Promise<void> {
    await migrate(store, 'eventlog_cursors', new URL('./cursor-migrations/', import.meta.url))
  }

  get state(): ProjectionState {
    const now = this.#options.now()
    const applying = this.#applying
    // A step that takes long is not told by the look before it.
    const isLong = applying !== undefined && now - applying.since > longStepMs
    const caughtUp = this.#caughtUp && !isLong
    // Before the first look it is behind by as much as is known, and not since 1970.
    const oldest = isLong ? applying.oldest : this.#oldest || this.#asOf || this.#beganAt
    const lagMs = caughtUp && this.#failures === 0 ? 0 : Math.max(0, now - oldest)
    return { cursor: this.#cursor, caughtUp, asOf: this.#asOf, lagMs, failures: this.#failures, error: this.#error }
  }

  /** Starts following the log until `stop`. */
  start(): void {
    this.#running ??= this.#follow()
  }

  /** Lets the running batch finish and ends. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    this.#wakeUp()
    await this.#running
    this.#reader.close()
    for (const { resolve } of this.#rounds.splice(0)) resolve()
  }

  /** Resolves once everything committed before the call is in the read model (or the projection has stopped). */
  settled(): Promise<void> {
    if (this.#stopped.signal.aborted) return Promise.resolve()
    return new Promise(resolve => {
      // The round under way may have read before the caller's commit, so the one after it counts.
      this.#rounds.push({ after: this.#round + 1, resolve })
      this.#wakeUp()
    })
  }

  async #follow(): Promise<void> {
    const stopListening = this.#log.onCommit(() => this.#wakeUp())
    try {
      while (!this.#stopped.signal.aborted) {
        try {
          this.#round++
          const more = await this.#next()
          this.#failures = 0
          this.#error = null
          if (more) continue
          this.#settle()
          await this.#rest(this.#options.paceMs)
          await this.#restUntilWoken(this.#options.pollMs)
        } catch (error) {
          this.#failures++
          this.#error = error instanceof Error ? error.message : String(error)
          this.#loaded = false
          this.#options.onError?.(error)
          await this.#rest(Math.min(5_000, 100 * 2 ** Math.min(this.#failures, 6)))
        }
      }
    } finally {
      stopListening()
    }
  }

  /** One batch. True when more may be waiting. */
  async #next(): Promise<boolean> {
    if (!this.#loaded) await this.#load()
    this.#woken = false
    const lookedAt = this.#options.now()
    const batch = typeof this.#options.batch === 'number' ? this.#options.batch : this.#options.batch()
    const { segments, caughtUp } = await this.#reader.read(this.#cursor, batch)
    const last = segments.at(-1)?.last
    if (last) await this.#apply(segments, last)
    this.#caughtUp = caughtUp
    this.#oldest = caughtUp ? 0 : (last?.recordedAt ?? this.#oldest)
    this.#asOf = caughtUp ? lookedAt : (last?.recordedAt ?? this.#asOf)
    return segments.reduce((sum, { count }) => sum + count, 0) >= batch
  }

  async #apply(segments: readonly Segment[], { xid, position }: Place): Promise<void> {
    const to = { xid, position }
    const { first, last } = segments[0]!
    this.#applying = { since: this.#options.now(), oldest: (first ?? last).recordedAt }
    try {
      await this.#options.advance({ name: this.#options.name, from: this.#cursor, to, segments })
    } finally {
      this.#applying = undefined
    }
    this.#cursor = to
  }

  async #load(): Promise<void> {
    const { name, store } = this.#options
    await store.query(
      "insert into eventlog_cursors.cursors (name, xid, position) values ($1, '0', 0) on conflict do nothing",
      [name]
    )
    const { rows } = await store.query<Cursor>(
      'select xid::text as xid, position from eventlog_cursors.cursors where name = $1',
      [name]
    )
    this.#cursor = rows[0]!
    this.#loaded = true
  }

  #settle(): void {
    if (!this.#caughtUp) return
    this.#rounds = this.#rounds.filter(waiting => {
      if (this.#round < waiting.after) return true
      waiting.resolve()
      return false
    })
  }

  #wakeUp(): void {
    this.#woken = true
    this.#wake?.()
  }

  async #rest(ms: number): Promise<void> {
    if (this.#rounds.length > 0 && this.#failures === 0) return
    await sleep(ms, undefined, { signal: this.#stopped.signal }).catch(() => undefined)
  }

  async #restUntilWoken(ms: number): Promise<void> {
    if (this.#woken || this.#stopped.signal.aborted) return
    const timer = setTimeout(() => this.#wake?.(), ms)
    await new Promise<void>(resolve => {
      this.#wake = resolve
    })
    this.#wake = undefined
    clearTimeout(timer)
  }
}
