import type { Database } from '@plimsoll/database'
import { type Cursor, isAfter, Projection, type SharedLog, type Step, start, stepBytes } from '@plimsoll/eventlog'
import type { Clock } from '@plimsoll/resilience'
import { DeadLetters, decidedChannel } from '../consumer/dead-letters.ts'
import { migrateConsumer } from '../consumer/store.ts'
import { bulkSchema, bulkTopic } from './parked.ts'
import type { BulkDone, RetryOrder } from './procedure.ts'

export interface LogSubscriberOptions {
  /** Names its cursor and what is parked. One process at a time runs it. */
  name: string
  log: SharedLog
  /** The subscriber's own store, migrated by `LogSubscriber.migrate`. */
  store: Database
  /** The module whose default export is a `bulkProcedure`. */
  procedure: URL
  /** Entries a step, asked for before each. Default 2,000. */
  batch?: number | (() => number)
  /** Least time between two steps while caught up, in milliseconds. Default 300. */
  paceMs?: number
  /**
   * Its budget: the share of the time that its steps may take, 1 at most. After a step it rests for as long as that says, so
   * that others get the store. Default 1.
   */
  share?: number | (() => number)
  now?(): number
  clock: Clock
  onError?: ((error: unknown) => void) | undefined
}

export interface LogSubscriberState {
  name: string
  /** `waiting`: the world is at fault, and it tries again by itself. */
  status: 'running' | 'waiting' | 'stopped'
  cursor: Cursor
  caughtUp: boolean
  /** Everything recorded before it has been handled, in milliseconds since 1970. */
  asOf: number
  /** Age of the oldest entry that was not reached, in milliseconds. */
  lagMs: number
  /** Entries handled since it began. */
  handled: number
  /** Failed rounds since the last that worked. */
  attempts: number
  /** Keys in which something waits behind a failure. */
  parkedKeys: number
  /** What the last failure said; null while all is well. */
  error: string | null
}

/** The share of the time of one whose entries fail. */
const failingShare = 0.2

interface Waiter {
  demanded: Cursor
  resolve(reached: boolean): void
}

/** Follows the log in large steps: handled once, in order of the key through failures, at its own pace. */
export class LogSubscriber {
  readonly name: string
  readonly deadLetters: DeadLetters
  readonly #options: LogSubscriberOptions
  readonly #projection: Projection
  /** Steps and retries come one after another. */
  #turn: Promise<unknown> = Promise.resolve()
  #reached: Cursor = start
  #handled = 0
  #lanes = 0
  #error: string | null = null
  #retryTimer: unknown
  #waiters: Waiter[] = []
  #hurrying: Promise<void> | undefined
  #status: 'new' | 'started' | 'stopped' = 'new'
  #stopListening = () => {}
  #endRest = () => {}
  readonly #stopped = Promise.withResolvers<void>()
  #interference: ((step: Step) => Promise<void>) | undefined

  constructor(options: LogSubscriberOptions) {
    const { name, log, store, batch = 2_000, paceMs = 300, now, onError } = options
    this.#options = options
    this.name = name
    this.deadLetters = new DeadLetters({ database: store, schema: bulkSchema }, bulkTopic, name)
    this.#projection = new Projection({
      name,
      log,
      store,
      batch,
      paceMs,
      ...(now && { now }),
      advance: step => this.#advance(step),
      onError: error => {
        this.#error = wordsOf(error)
        onError?.(error)
      }
    })
  }

  /** Makes the tables of cursors and of what is parked. Safe to call again. */
  static async migrate(store: Database): Promise<void> {
    await Projection.migrate(store)
    await migrateConsumer(store, bulkSchema)
  }

  start(): void {
    if (this.#status !== 'new') return
    this.#status = 'started'
    this.#stopListening = this.#options.store.listen(decidedChannel(bulkSchema), () => this.#retryIn(0))
    this.#projection.start()
    this.#retryIn(0)
  }

  async stop(): Promise<void> {
    this.#status = 'stopped'
    this.#stopListening()
    this.#endRest()
    this.#stopped.resolve()
    this.#options.clock.clearTimer(this.#retryTimer)
    await this.#projection.stop()
    await this.#turn
    for (const { resolve } of this.#waiters.splice(0)) resolve(false)
  }

  get state(): LogSubscriberState {
    const { cursor, caughtUp, asOf, lagMs, failures } = this.#projection.state
    const status = this.#status === 'started' ? (failures > 0 ? 'waiting' : 'running') : 'stopped'
    return {
      name: this.name,
      status,
      cursor: isAfter(this.#reached, cursor) ? this.#reached : cursor,
      caughtUp,
      asOf,
      lagMs,
      handled: this.#handled,
      attempts: failures,
      parkedKeys: this.#lanes,
      error: failures > 0 || this.#lanes > 0 ? this.#error : null
    }
  }

  /** For drills and benches: called before each step, which fails or waits with it. `undefined` ends it. */
  interfere(interference: ((step: Step) => Promise<void>) | undefined): void {
    this.#interference = interference
  }

  /** Resolves once everything committed before the call is handled or parked. */
  settled(): Promise<void> {
    return this.#projection.settled()
  }

  /** Waits until all up to `demanded` is handled or parked; false when it is not at `deadline`, an instant of the clock. */
  reach(demanded: Cursor, deadline: number): Promise<boolean> {
    if (this.#holds(demanded)) return Promise.resolve(true)
    const { clock } = this.#options
    const leftMs = deadline - clock.now()
    if (leftMs <= 0 || this.#status === 'stopped') return Promise.resolve(false)
    return new Promise(resolve => {
      const timer = clock.setTimer(() => {
        this.#waiters = this.#waiters.filter(one => one !== waiter)
        resolve(this.#holds(demanded))
      }, leftMs)
      const waiter: Waiter = {
        demanded,
        resolve: reached => {
          clock.clearTimer(timer)
          resolve(reached)
        }
      }
      this.#waiters.push(waiter)
      this.#hurry()
    })
  }

  #holds(demanded: Cursor): boolean {
    return !isAfter(demanded, this.state.cursor)
  }

  /** Somebody waits, so the next steps do not keep their pace. */
  #hurry(): void {
    this.#hurrying ??= this.settled().finally(() => {
      this.#hurrying = undefined
      this.#wake()
      // Who waits for what is not in the log is woken by the step that brings it, or by their deadline.
      if (this.#waiters.length > 0 && !this.state.caughtUp) this.#hurry()
    })
  }

  #wake(): void {
    this.#waiters = this.#waiters.filter(({ demanded, resolve }) => {
      if (!this.#holds(demanded)) return true
      resolve(true)
      return false
    })
  }

  async #advance(step: Step): Promise<void> {
    const { clock, paceMs = 300 } = this.#options
    if (this.#interference) {
      await Promise.race([this.#interference(step), this.#stopped.promise])
      if (this.#status !== 'started') throw new Error('stopped before the step')
    }
    for (let from = step.from; ; ) {
      const began = clock.now()
      const { at = step.to, error } = await this.#call(stepBytes({ ...step, from }))
      const tookMs = clock.now() - began
      this.#reached = at
      this.#wake()
      const isOver = !isAfter(step.to, at)
      const share = this.#share()
      // One that fails looks for what fails, again and again: the others come first.
      const rest =
        tookMs * (1 / (error === undefined ? share : Math.min(share, failingShare)) - 1) - (isOver ? paceMs : 0)
      if (rest > 0 && this.#status === 'started') await this.#rest(rest)
      if (isOver) return
      if (this.#status !== 'started') throw new Error('stopped in the middle of a step; the rest is read again')
      from = at
    }
  }

  #share(): number {
    const { share = 1 } = this.#options
    return typeof share === 'number' ? share : share()
  }

  #rest(ms: number): Promise<void> {
    const { clock } = this.#options
    return new Promise(resolve => {
      const timer = clock.setTimer(resolve, Math.ceil(ms))
      this.#endRest = () => {
        clock.clearTimer(timer)
        resolve()
      }
    })
  }

  async #call(argument: Uint8Array | RetryOrder): Promise<BulkDone> {
    const { store, procedure } = this.#options
    const mine = this.#turn.then(() => store.call<BulkDone>(procedure, argument))
    this.#turn = mine.catch(() => undefined)
    const done = await mine
    this.#handled += done.handled
    this.#lanes = done.lanes
    if (done.error !== undefined) this.#error = done.error
    if (done.dueInMs !== null) this.#retryIn(done.dueInMs)
    return done
  }

  #retryIn(ms: number): void {
    const { clock, onError } = this.#options
    if (this.#status !== 'started') return
    clock.clearTimer(this.#retryTimer)
    this.#retryTimer = clock.setTimer(() => {
      this.#call({ retry: this.name }).catch(error => {
        this.#error = wordsOf(error)
        onError?.(error)
        this.#retryIn(1_000)
      })
    }, Math.ceil(ms))
  }
}

const wordsOf = (error: unknown) => String((error as Error)?.message ?? error).slice(0, 500)
