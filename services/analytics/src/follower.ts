import type { Database } from '@plimsoll/database'
import {
  type Cursor,
  Projection,
  type ProjectionState,
  type SharedLog,
  type Step,
  start,
  stepBytes
} from '@plimsoll/eventlog'
import type { Clock } from '@plimsoll/resilience'
import { Costs } from './costs.ts'
import { cursorName } from './views/parts.ts'
import type { RefreshOrder, StepDone } from './views/procedure.ts'
import { rebuildCursor } from './views/rebuild.ts'
import type { PieceDone } from './views/refresh.ts'
import { reaches } from './views/registry.ts'
import type { View } from './views/view.ts'

export interface FollowerOptions {
  log: SharedLog
  store: Database
  /** The module whose procedure changes these views: see `viewsProcedure`. */
  procedure: URL
  /** How many writers share the log. */
  parts: number
  /** Views that are to be built beside the live ones. */
  due: readonly View[]
  now(): number
  clock: Clock
  onError?: ((error: unknown) => void) | undefined
}

export interface RebuildState {
  views: string[]
  /** Entries of the log that are in what is being built, by this process. */
  applied: number
  perSecond: number
  cursor: Cursor
}

interface Waiter {
  demanded: Cursor
  resolve(reached: boolean): void
}

/** Keeps the views up to date: the steps of each writer, a rebuild beside them, and what each costs. */
export class Follower {
  readonly costs = new Costs()
  /** Told of each step of the live views. */
  onStep: () => void = () => undefined
  readonly #options: FollowerOptions
  readonly #parts: Projection[]
  readonly #reached: Cursor[]
  #rebuild: { views: string[]; projection: Projection; applied: number; beganAt: number } | undefined
  #waiters: Waiter[] = []
  #hurrying: Promise<void> | undefined

  constructor(options: FollowerOptions) {
    const { parts, due } = options
    this.#options = options
    this.#reached = Array.from({ length: parts }, () => start)
    this.#parts = this.#reached.map((_, index) => {
      const name = cursorName({ index, of: parts })
      // Fewer, larger steps: what a step costs is the rows it touches, hardly the entries it counts.
      return this.#projection(name, { batch: 4_000, paceMs: 300 }, step => this.#follow(index, step))
    })
    this.#prepare(due)
  }

  #prepare(due: readonly View[]): void {
    if (due.length === 0) return
    const projection = this.#projection(rebuildCursor, { batch: 1_000, paceMs: 50 }, step => this.#build(step))
    this.#rebuild = { views: due.map(({ name }) => name), projection, applied: 0, beganAt: this.#options.clock.now() }
  }

  #projection(name: string, pace: { batch: number; paceMs: number }, advance: (step: Step) => Promise<void>) {
    const { log, store, now, onError } = this.#options
    return new Projection({ name, log, store, advance, now, ...pace, ...(onError ? { onError } : {}) })
  }

  start(): void {
    for (const part of this.#parts) part.start()
    this.#rebuild?.projection.start()
  }

  /** Builds views beside the live ones, for which `prepareRebuild` has made room. */
  build(due: readonly View[]): void {
    this.#prepare(due)
    this.#rebuild?.projection.start()
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#parts, ...(this.#rebuild ? [this.#rebuild.projection] : [])].map(one => one.stop()))
    for (const { resolve } of this.#waiters.splice(0)) resolve(false)
  }

  /** Resolves once everything committed before the call is in the live views. */
  async settled(): Promise<void> {
    await Promise.all(this.#parts.map(part => part.settled()))
  }

  /** Of the slowest writer. */
  get state(): ProjectionState {
    const states = this.#parts.map(part => part.state)
    return states.reduce((slowest, one) => ({
      cursor: reaches(slowest.cursor, one.cursor) ? one.cursor : slowest.cursor,
      caughtUp: slowest.caughtUp && one.caughtUp,
      asOf: Math.min(slowest.asOf, one.asOf),
      lagMs: Math.max(slowest.lagMs, one.lagMs),
      failures: Math.max(slowest.failures, one.failures),
      error: slowest.error ?? one.error
    }))
  }

  /** What is being built beside the live views; undefined when nothing is. */
  get rebuild(): RebuildState | undefined {
    if (!this.#rebuild) return undefined
    const { views, projection, applied, beganAt } = this.#rebuild
    const seconds = (this.#options.clock.now() - beganAt) / 1_000
    return {
      views,
      applied,
      perSecond: seconds > 0 ? applied / seconds : 0,
      cursor: projection.state.cursor
    }
  }

  /** Waits until the live views hold `demanded`; false when they do not at `deadline`, an instant of the clock. */
  reach(demanded: Cursor, deadline: number): Promise<boolean> {
    if (this.#holds(demanded)) return Promise.resolve(true)
    const { clock } = this.#options
    const leftMs = deadline - clock.now()
    if (leftMs <= 0) return Promise.resolve(false)
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
    return this.#parts.every((part, i) => reaches(this.#reached[i]!, demanded) || reaches(part.state.cursor, demanded))
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

  async #follow(index: number, step: Step): Promise<void> {
    const { entries, costs } = await this.#options.store.call<StepDone>(this.#options.procedure, stepBytes(step))
    this.#reached[index] = step.to
    this.costs.spent(entries, costs)
    this.#wake()
    this.onStep()
  }

  async #build(step: Step): Promise<void> {
    const { entries, swapped } = await this.#options.store.call<StepDone>(this.#options.procedure, stepBytes(step))
    if (!this.#rebuild) return
    this.#rebuild.applied += entries
    if (!swapped) return
    // It cannot be waited for from within its own step.
    void this.#rebuild.projection.stop()
    this.#rebuild = undefined
  }

  /** One piece of a refresh, beside the engine. */
  refreshPiece(name: string): Promise<PieceDone> {
    const order: RefreshOrder = { refresh: name, asOf: this.state.asOf }
    return this.#options.store.call<PieceDone>(this.#options.procedure, order)
  }
}
