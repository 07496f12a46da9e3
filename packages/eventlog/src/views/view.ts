import { randomUUID } from 'node:crypto'
import { isTransient, isUnavailable, type Transaction } from '@plimsoll/database'
import { type Cursor, start } from '../entry.ts'
import { EventStoreError } from '../streams/errors.ts'
import { isAfter, type StreamEvent } from '../streams/event.ts'
import type { EventStore } from '../streams/event-store.ts'
import type { Filter } from '../streams/rows.ts'
import { newBell } from '../streams/subscribe.ts'
import { onAppend } from '../streams/wake.ts'
import {
  createGeneration,
  giveUpTurn,
  liveCursor,
  moveTurn,
  type Place,
  swap,
  type Turn,
  tableOf,
  takeTurn,
  turnOf,
  ViewFencedError,
  ViewSupersededError
} from './generation.ts'
import { type Parked, park, parkedKeys, parkedOf, unpark } from './parking.ts'

export interface ViewOptions extends Filter {
  store: EventStore
  /** Readers select from `SCHEMA.name`. Lower-case letters, digits and underscores. */
  name: string
  /** Raise it when `create` or `apply` changes: the new one is built beside the old one, and takes its place when it is as far. */
  generation: number
  /** The statement that makes the table of a generation. */
  create(table: string): string
  /** Changes the table by one event. What is personal is sealed, and is to be kept so (`EventStore.open` opens it). */
  apply(tx: Transaction, table: string, event: StreamEvent): Promise<unknown>
  /**
   * What the event also leads to, such as a row in an outbox: in the same transaction, once, and never for an event that
   * was there before the view, or that another generation has had.
   */
  effect?(tx: Transaction, event: StreamEvent): Promise<unknown>
  /** An event that `apply` or `effect` refuses: stop there, or park it and all of its key behind it. Default `stop`. */
  onPoison?: 'stop' | 'park'
  /** Default: its stream. */
  keyOf?(event: StreamEvent): string
  /** Events a transaction, 1 to 10,000. Default 500. */
  batch?: number
  /** How long a worker that went silent keeps the others waiting, in milliseconds. Default 10,000. */
  leaseMs?: number
  /** Time between looks when no append of this process is heard of, in milliseconds. Default 250. */
  pollMs?: number
  /** Told of each failed step. The world's failures are tried again, slower each time, up to 5 s. */
  onError?(error: unknown): void
  now?(): number
}

/** An event that the view refused, where it was told to stop. The cursor stands before it. */
export class PoisonEventError extends EventStoreError {
  override readonly name = 'PoisonEventError'
  readonly code = 'PLIMSOLL_POISON_EVENT'

  constructor(view: string, { stream, version, type }: StreamEvent, cause: unknown) {
    super(`the view "${view}" stopped before version ${version} of "${stream}", a "${type}": ${String(cause)}`, {
      cause
    })
  }
}

export interface ViewState {
  cursor: Cursor
  /** Events applied by this worker. */
  applied: number
  /** Of this worker since it began, in events a second. */
  perSecond: number
  caughtUp: boolean
  /** Readers see this generation. */
  live: boolean
  /** This worker has the lease. */
  working: boolean
  /** Why it stopped by itself. */
  stopped: unknown
}

/** A read model that follows the store: each step and the cursor in one transaction, by one worker at a time. */
export class View {
  readonly #options: ViewOptions
  readonly #place: Place
  readonly #owner = randomUUID()
  readonly #now: () => number
  readonly #bell = newBell()
  #turn: Turn | undefined
  #applied = 0
  #beganAt = 0
  #renewedAt = 0
  #caughtUp = false
  #over = false
  #stopped: unknown
  #running: Promise<void> | undefined

  constructor(options: ViewOptions) {
    const { name, generation, store, batch = 500, leaseMs = 10_000 } = options
    if (!/^[a-z_][a-z0-9_]{0,50}$/.test(name)) {
      throw new RangeError(`"${name}" cannot be a view's name: use up to 51 lower-case letters, digits and underscores`)
    }
    if (!Number.isInteger(generation) || generation < 1) throw new RangeError('a generation is a whole number from 1')
    if (!Number.isInteger(batch) || batch < 1 || batch > 10_000) throw new RangeError('batch is from 1 to 10,000')
    if (!(leaseMs > 0)) throw new RangeError('leaseMs is more than 0')
    this.#options = options
    this.#place = { schema: store.schema, name, generation }
    this.#now = options.now ?? Date.now
  }

  get state(): ViewState {
    const seconds = (this.#now() - this.#beganAt) / 1_000
    return {
      cursor: this.#turn?.cursor ?? start,
      applied: this.#applied,
      perSecond: seconds > 0 && this.#beganAt > 0 ? this.#applied / seconds : 0,
      caughtUp: this.#caughtUp,
      live: this.#turn?.live ?? false,
      working: this.#turn !== undefined,
      stopped: this.#stopped
    }
  }

  /** How many events are left, counted to 100,000 and unfiltered, and how long that takes at this worker's rate, in seconds. */
  async progress(): Promise<ViewState & { remaining: number; secondsLeft: number | undefined }> {
    const { state } = this
    const { readable, held } = await this.#options.store.lag(state.cursor)
    const remaining = readable + held
    return { ...state, remaining, secondsLeft: state.perSecond > 0 ? remaining / state.perSecond : undefined }
  }

  /** Makes what is missing and follows the store until `stop`, or until it stops by itself (`state.stopped`). */
  start(): void {
    this.#running ??= this.#follow()
  }

  /** Lets the running step finish, gives the lease back and ends. */
  async stop(): Promise<void> {
    this.#over = true
    this.#bell.ring()
    await this.#running
  }

  /** What is parked, of a key or of all. */
  parked(key?: string): Promise<Parked[]> {
    return parkedOf(this.#options.store.database, this.#place, key)
  }

  /** Applies what is parked of a key, in one transaction. What is refused again rejects, and all stays parked. */
  async retry(key: string): Promise<number> {
    const { store } = this.#options
    return store.database.transaction(async tx => {
      // Locks it: the step of a worker that would park more of this key waits, or has done so and is seen.
      const turn = await turnOf(tx, this.#place)
      const parked = await parkedOf(tx, this.#place, key)
      for (const { xid, position } of parked) {
        const before = { xid, position: position - 1 }
        const { events } = await store.readPage({ from: before, until: { xid, position }, sealed: true, tx, batch: 1 })
        for (const event of events) await this.#take(tx, event, turn)
      }
      await unpark(tx, this.#place, key)
      return parked.length
    })
  }

  async #follow(): Promise<void> {
    const { store, pollMs = 250, leaseMs = 10_000, onError } = this.#options
    const stopListening = onAppend(store.database, store.schema, this.#bell.ring)
    let [made, failures] = [false, 0]
    try {
      while (!this.#over) {
        this.#bell.quiet()
        try {
          if (!made) await createGeneration(store.database, this.#place, await store.cutAt(), this.#options.create)
          made = true
          this.#turn ??= await takeTurn(store.database, this.#place, this.#owner, leaseMs)
          if (this.#turn && this.#beganAt === 0) this.#beganAt = this.#now()
          if (!this.#turn) await this.#standBy()
          const moved = this.#turn !== undefined && (await this.#step(this.#turn))
          failures = 0
          if (!moved && !this.#over) await this.#bell.heard(Math.min(pollMs, leaseMs / 2))
        } catch (error) {
          await this.#giveUp()
          onError?.(error)
          if (!isTransient(error) && !isUnavailable(error) && !(error instanceof ViewFencedError)) {
            this.#stopped = error
            return
          }
          failures++
          await this.#bell.heard(Math.min(5_000, 50 * 2 ** Math.min(failures, 7)))
        }
      }
    } finally {
      stopListening()
      await this.#giveUp()
    }
  }

  /** A lease that cannot be given back runs out by itself. */
  async #giveUp(): Promise<void> {
    const turn = this.#turn
    this.#turn = undefined
    if (turn) await giveUpTurn(this.#options.store.database, this.#place, turn.fence).catch(() => undefined)
  }

  /** Another worker has the lease, or readers see a later generation: then there is nothing to wait for. */
  async #standBy(): Promise<void> {
    const live = await liveCursor(this.#options.store.database, this.#place)
    if (live.generation > this.#place.generation) throw new ViewSupersededError(this.#place, live.generation)
  }

  /** One page. True when the cursor moved or the generation went live. */
  async #step(turn: Turn): Promise<boolean> {
    const { store, batch = 500, category, types } = this.#options
    // Before it is live it goes no further than the one that is, so that no effect is left out or done twice.
    const until = turn.live ? undefined : await liveCursor(store.database, this.#place)
    const page = await store.readPage({
      from: turn.cursor,
      ...(until && { until }),
      category,
      types,
      batch,
      sealed: true
    })
    const moved = isAfter(page.cursor, turn.cursor)
    if (moved) await this.#apply(turn, page.events, page.cursor)
    else await this.#renew(turn)
    this.#caughtUp = page.caughtUp
    const level = until && until.xid === turn.cursor.xid && until.position === turn.cursor.position
    if (!level || !(await swap(store.database, this.#place, turn))) return moved
    turn.live = true
    turn.effectsAfter = turn.cursor
    return true
  }

  async #apply(turn: Turn, events: readonly StreamEvent[], to: Cursor): Promise<void> {
    try {
      await this.#write(turn, events, to)
    } catch (error) {
      if (isTransient(error) || isUnavailable(error) || error instanceof ViewFencedError) throw error
      // One of them is at fault: one at a time, to learn which.
      for (const event of events) await this.#applyOne(turn, event)
      if (isAfter(to, turn.cursor)) await this.#write(turn, [], to)
    }
  }

  async #applyOne(turn: Turn, event: StreamEvent): Promise<void> {
    const { xid, position } = event
    try {
      await this.#write(turn, [event], { xid, position })
    } catch (error) {
      if (isTransient(error) || isUnavailable(error) || error instanceof ViewFencedError) throw error
      if (this.#options.onPoison !== 'park') throw new PoisonEventError(this.#place.name, event, error)
      this.#options.onError?.(new PoisonEventError(this.#place.name, event, error))
      await this.#write(turn, [event], { xid, position }, String(error))
    }
  }

  /** Applies events, or parks the one there is for `error`, and moves the cursor: one transaction. */
  async #write(turn: Turn, events: readonly StreamEvent[], to: Cursor, error?: string): Promise<void> {
    const { store, leaseMs = 10_000, onPoison, keyOf = ({ stream }) => stream } = this.#options
    await store.database.transaction(async tx => {
      // First, so that who lost the lease writes nothing, and who retries a parked key is waited for.
      await moveTurn(tx, this.#place, turn, to, events.length, leaseMs)
      const behind =
        onPoison === 'park' ? await parkedKeys(tx, this.#place, [...new Set(events.map(keyOf))]) : new Set<string>()
      for (const event of events) {
        const { xid, position } = event
        const key = keyOf(event)
        if (error !== undefined) await park(tx, this.#place, { key, xid, position, error })
        else if (behind.has(key)) await park(tx, this.#place, { key, xid, position, error: null })
        else await this.#take(tx, event, turn)
      }
    })
    turn.cursor = { xid: to.xid, position: to.position }
    this.#applied += events.length
  }

  /** While it is built the live generation has the effects. */
  async #take(
    tx: Transaction,
    event: StreamEvent,
    { live, effectsAfter }: Pick<Turn, 'live' | 'effectsAfter'>
  ): Promise<void> {
    await this.#options.apply(tx, tableOf(this.#place), event)
    if (live && isAfter(event, effectsAfter)) await this.#options.effect?.(tx, event)
  }

  /** An idle worker keeps its lease by moving nowhere, some times in each. */
  async #renew(turn: Turn): Promise<void> {
    const { store, leaseMs = 10_000 } = this.#options
    if (this.#now() - this.#renewedAt < leaseMs / 4) return
    this.#renewedAt = this.#now()
    await moveTurn(store.database, this.#place, turn, turn.cursor, 0, leaseMs)
  }
}
