import { randomUUID } from 'node:crypto'
import { isTransient, isUnavailable } from '@plimsoll/database'
import { start } from '../entry.ts'
import { isAfter } from '../streams/event.ts'
import { newBell } from '../streams/subscribe.ts'
import { onAppend } from '../streams/wake.ts'
import {
  createGeneration,
  giveUpTurn,
  liveCursor,
  moveTurn,
  type Place,
  type Turn,
  takeTurn,
  turnOf,
  ViewFencedError,
  ViewSupersededError
} from './generation.ts'
import { checkViewOptions, type ViewOptions, type ViewState } from './options.ts'
import { eventAt, firstParked, type Parked, parkedOf, unpark } from './parking.ts'
import { dropFormer, takeOver } from './takeover.ts'
import { ViewWriter } from './writer.ts'

/** A read model that follows the store: each step and the cursor in one transaction, by one worker at a time. */
export class View {
  readonly #options: ViewOptions
  readonly #place: Place
  readonly #owner = randomUUID()
  readonly #now: () => number
  readonly #writer: ViewWriter
  readonly #bell = newBell()
  #turn: Turn | undefined
  #beganAt = 0
  #beganFrom = 0
  #takeOvers = 0
  #renewedAt = 0
  #caughtUp = false
  #over = false
  #stopped: unknown
  #running: Promise<void> | undefined

  constructor(options: ViewOptions) {
    checkViewOptions(options)
    const { name, generation, store } = options
    this.#options = options
    this.#place = { schema: store.schema, name, generation }
    this.#writer = new ViewWriter(options, this.#place)
    this.#now = options.now ?? Date.now
  }

  get state(): ViewState {
    const seconds = this.#seconds
    const { written } = this.#writer
    return {
      cursor: this.#turn?.cursor ?? start,
      applied: written,
      perSecond: seconds > 0 ? written / seconds : 0,
      caughtUp: this.#caughtUp,
      live: this.#turn?.live ?? false,
      working: this.#turn !== undefined,
      stopped: this.#stopped
    }
  }

  /**
   * How many events are left, filtered ones too: counted to 100,000, and beyond that judged by positions. And how long that
   * takes at the rate at which this worker has passed them, in seconds.
   */
  async progress(): Promise<ViewState & { remaining: number; secondsLeft: number | undefined }> {
    const { state } = this
    const remaining = await this.#options.store.countBehind(state.cursor)
    const passed = state.cursor.position - this.#beganFrom
    const perSecond = this.#seconds > 0 ? passed / this.#seconds : 0
    const secondsLeft = remaining === 0 ? 0 : perSecond > 0 ? remaining / perSecond : undefined
    return { ...state, remaining, secondsLeft }
  }

  get #seconds(): number {
    return this.#beganAt > 0 ? (this.#now() - this.#beganAt) / 1_000 : 0
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
    const { store, batch = 500 } = this.#options
    return store.database.transaction(async tx => {
      // Locks it: the step of a worker that would park more of this key waits, or has done so and is seen.
      const turn = await turnOf(tx, this.#place)
      for (let count = 0; ; ) {
        const parked = await firstParked(tx, this.#place, key, batch)
        const last = parked.at(-1)
        if (!last) return count
        for (const { owesEffect, ...at } of parked) {
          const event = await eventAt(store, tx, at)
          if (event) await this.#writer.applyNow(tx, [event], owesEffect ? { ...turn, effectsAfter: start } : turn)
        }
        await unpark(tx, this.#place, key, last)
        count += parked.length
      }
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
          if (!this.#turn) await this.#begin(leaseMs)
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

  async #begin(leaseMs: number): Promise<void> {
    this.#turn = await takeTurn(this.#options.store.database, this.#place, this.#owner, leaseMs)
    if (!this.#turn) return
    this.#takeOvers = 0
    if (this.#beganAt > 0) return
    this.#beganAt = this.#now()
    this.#beganFrom = this.#turn.cursor.position
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
      sealed: true,
      unreadable: 'tell'
    })
    const moved = isAfter(page.cursor, turn.cursor)
    if (moved) await this.#writer.apply(turn, page.events, page.cursor)
    else await this.#renew(turn)
    this.#caughtUp = page.caughtUp
    if (!until || isAfter(until, turn.cursor)) return moved
    // As far as the live one was a moment ago. Each time it may be made to wait for twice as much.
    const pages = 2 ** Math.min(this.#takeOvers++, 20)
    if (!(await takeOver(this.#options, this.#place, turn, this.#writer, pages))) return moved
    turn.live = true
    turn.effectsAfter = turn.cursor
    await dropFormer(this.#options, this.#place).catch(error => this.#options.onError?.(error))
    return true
  }

  /** An idle worker keeps its lease by moving nowhere, some times in each. */
  async #renew(turn: Turn): Promise<void> {
    const { store, leaseMs = 10_000 } = this.#options
    if (this.#now() - this.#renewedAt < leaseMs / 4) return
    this.#renewedAt = this.#now()
    await moveTurn(store.database, this.#place, turn, turn.cursor, 0, leaseMs)
  }
}
