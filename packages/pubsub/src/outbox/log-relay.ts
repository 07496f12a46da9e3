import type { Database } from '@plimsoll/database'
import {
  type Cursor,
  headOf,
  type LogEntry,
  moveCursor,
  Projection,
  readStep,
  type SharedLog,
  type Step,
  start,
  stepBytes
} from '@plimsoll/eventlog'
import { type Clock, systemClock } from '@plimsoll/resilience'
import { type Backoff, delayOf } from '../consumer/fault.ts'
import { InvalidMessageError, MessageTooLargeError } from '../errors.ts'
import type { NewMessage } from '../message/message.ts'
import type { PubSub } from '../pubsub.ts'

export interface LogRelayOptions {
  /** Of the relay's place in the log. Each relay has its own, and one process at a time runs it. */
  name: string
  /** Read once for all that follow it; see `SharedLog`. */
  log: SharedLog
  /** The log's own: the place is kept beside what it is a place in, and is lost only with it. */
  database: Database
  /** Tried until it resolves, one try after another. The relay closes the broker when it stops. */
  connect(): Promise<PubSub>
  topic: string
  /** What is published of an entry. Its id must be the same each time. */
  message(entry: LogEntry): NewMessage
  /** Where a relay begins that has no place yet. Default `start`. */
  from?: 'start' | 'end'
  /** Entries at once: what is in memory while the broker is away. Default 500. */
  batch?: number
  /** Least time between two batches while caught up, in milliseconds. Default 250. */
  paceMs?: number
  /** The share of the time that catching up may take, 1 at most: what else runs on this thread gets the rest. Default 0.5. */
  share?: number
  /** How often an idle broker is asked whether it answers, in milliseconds. Default 1,000. */
  watchMs?: number
  /** Between tries while the broker is away. Default `{ firstMs: 100, maxMs: 5_000 }`. */
  backoff?: Partial<Backoff>
  /** Told of each failed try. Must not throw. */
  onError?: (error: unknown) => void
  clock?: Clock
  random?: () => number
}

export interface LogRelayState {
  name: string
  /** `waiting`: the broker or the store is away, or refuses a message; it tries again by itself. */
  status: 'running' | 'waiting' | 'stopped'
  /** Everything up to here is in the broker. */
  cursor: Cursor
  caughtUp: boolean
  /** Age of the oldest entry that is not in the broker, in milliseconds. */
  lagMs: number
  /** Whether the broker answered when it was last asked; `undefined` before the first answer or failure. */
  up: boolean | undefined
  /** Entries published since the start. */
  published: number
  /** Failed tries since the last that worked. */
  attempts: number
  /** What the last failure said; null while all is well. */
  error: string | null
}

/** A rest between two batches is no longer, in milliseconds, however long the batch took. */
const longestRestMs = 1_000

/**
 * From a telemetry log to a broker, at least once: a batch is published, then the place is moved. Killed in between, the batch is
 * published again with the same ids, so a subscriber, who handles each id once, keeps the order of a key. The log is the outbox:
 * who appends knows of no broker. While the broker is away one batch is held and tried again; the rest stays in the log.
 */
export class LogRelay {
  readonly name: string
  readonly #options: LogRelayOptions
  readonly #clock: Clock
  readonly #backoff: Backoff
  readonly #projection: Projection
  readonly #stopping = new AbortController()
  #status: 'new' | 'started' | 'stopped' = 'new'
  #pubsub: PubSub | undefined
  /** One try after another, whoever makes it. */
  #turn: Promise<unknown> = Promise.resolve()
  #watching: Promise<void> = Promise.resolve()
  #publishing = false
  #published = 0
  #up: boolean | undefined
  #failures = 0
  #error: string | null = null

  constructor(options: LogRelayOptions) {
    const { name, log, database, batch = 500, paceMs = 250, clock = systemClock } = options
    this.name = name
    this.#options = options
    this.#clock = clock
    this.#backoff = { firstMs: 100, maxMs: 5_000, ...options.backoff }
    this.#projection = new Projection({
      name,
      log,
      store: database,
      batch,
      paceMs,
      now: () => clock.wallNow(),
      advance: step => this.#advance(step),
      onError: error => this.#failed(error)
    })
  }

  /** Makes the table of places. Safe to call again. */
  static migrate(database: Database): Promise<void> {
    return Projection.migrate(database)
  }

  /** Resolves when it has its place: what is appended after that will be published. The broker need not be there. */
  async start(): Promise<void> {
    if (this.#status !== 'new') return
    this.#status = 'started'
    const { name, database, from = 'start' } = this.#options
    const { xid, position } = from === 'end' ? await headOf(database) : start
    await database.query(
      'insert into eventlog_cursors.cursors (name, xid, position) values ($1, $2, $3) on conflict do nothing',
      [name, xid, position]
    )
    this.#projection.start()
    this.#watching = this.#watch()
  }

  /** Ends after the try under way, and closes the broker. */
  async stop(): Promise<void> {
    this.#status = 'stopped'
    this.#stopping.abort()
    await this.#projection.stop()
    await this.#watching
    await this.#pubsub?.broker.close()
    this.#pubsub = undefined
  }

  get state(): LogRelayState {
    const { cursor, caughtUp, lagMs, failures } = this.#projection.state
    const attempts = this.#failures + failures
    return {
      name: this.name,
      status: this.#status === 'started' ? (attempts > 0 ? 'waiting' : 'running') : 'stopped',
      cursor,
      caughtUp,
      lagMs,
      up: this.#up,
      published: this.#published,
      attempts,
      error: attempts > 0 ? this.#error : null
    }
  }

  async #advance(step: Step): Promise<void> {
    const { database, message, share = 0.5 } = this.#options
    const messages = readStep(stepBytes(step)).entries.map(message)
    const tookMs = await this.#publish(messages)
    await moveCursor(database, step)
    this.#published += messages.length
    await this.#pause(Math.min(longestRestMs, tookMs * (1 / share - 1)))
  }

  /** Until the broker has them. Resolves with how long the try took that worked, in milliseconds. */
  async #publish(messages: readonly NewMessage[]): Promise<number> {
    this.#publishing = true
    try {
      while (!this.#stopping.signal.aborted) {
        const began = this.#clock.now()
        const published = await this.#try(async pubsub => {
          await pubsub.publish(this.#options.topic, messages)
          return true
        })
        if (published) return this.#clock.now() - began
        await this.#pause(this.#retryInMs())
      }
    } finally {
      this.#publishing = false
    }
    throw new Error('stopped before the broker had the batch; it is published at the next start')
  }

  /** Asks whether it answers while there is nothing to publish: else nobody would know. */
  async #watch(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      if (!this.#publishing) {
        await this.#try(async ({ broker }) => {
          await broker.ping?.()
          return broker.ping !== undefined
        })
      }
      await this.#pause(this.#failures > 0 ? this.#retryInMs() : (this.#options.watchMs ?? 1_000))
    }
  }

  /** `work` resolves with whether the broker has answered it. Whether it did what it was to do is what this resolves with. */
  #try(work: (pubsub: PubSub) => Promise<boolean>): Promise<boolean> {
    const mine = this.#turn.then(async () => {
      try {
        this.#pubsub ??= await this.#options.connect()
        if (await work(this.#pubsub)) this.#up = true
      } catch (error) {
        this.#failures++
        // A message that it will not take says nothing of whether it answers.
        if (!(error instanceof InvalidMessageError || error instanceof MessageTooLargeError)) this.#up = false
        this.#failed(error)
        return false
      }
      this.#failures = 0
      return true
    })
    this.#turn = mine
    return mine
  }

  #failed(error: unknown): void {
    if (this.#stopping.signal.aborted) return
    this.#error = String((error as Error)?.message ?? error).slice(0, 500)
    this.#options.onError?.(error)
  }

  #retryInMs(): number {
    return delayOf(this.#backoff, Math.max(1, this.#failures), this.#options.random ?? Math.random)
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#stopping
    if (signal.aborted || ms <= 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = this.#clock.setTimer(resolve, ms)
    const end = () => resolve()
    signal.addEventListener('abort', end, { once: true })
    await promise
    signal.removeEventListener('abort', end)
    this.#clock.clearTimer(timer)
  }
}
