import { type Cursor, start } from '@plimsoll/eventlog'
import type { Clock, TimerHandle } from '@plimsoll/resilience'
import type { Spent } from './costs.ts'
import type { Follower } from './follower.ts'
import type { Refreshed } from './views/refresh.ts'
import { reaches } from './views/registry.ts'

export interface RefresherOptions {
  follower: Follower
  view: string
  everyMs: number
  /** What the last refresh before this process came to, if there was one. */
  last: Refreshed | undefined
  now(): number
  clock: Clock
  onError?: ((error: unknown) => void) | undefined
}

/** A refresh waits no longer for its turn than this many rows of its base; more would take long to read at once. */
const rowsUntilDue = 500_000
/** A service that has just started has other things to do first. */
const afterStartMs = 5_000

/** Brings a periodic view up to date: every so often, when much has come together, or when somebody must see it. */
export class Refresher {
  readonly #options: RefresherOptions
  #timer: TimerHandle | undefined
  #running: Promise<void> | undefined
  #stopped = false
  #rowsBefore = 0
  #asOf: number
  #cursor: Cursor
  #spent: Spent = { times: 0, ms: 0, lastMs: 0, rows: 0 }

  constructor(options: RefresherOptions) {
    this.#options = options
    this.#asOf = options.last?.asOf ?? 0
    this.#cursor = options.last ?? start
  }

  get view(): string {
    return this.#options.view
  }

  get everyMs(): number {
    return this.#options.everyMs
  }

  start(): void {
    const { everyMs, now } = this.#options
    this.#waitFor(Math.max(afterStartMs, Math.min(everyMs, this.#asOf + everyMs - now())))
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#options.clock.clearTimer(this.#timer)
    await this.#running?.catch(() => undefined)
  }

  /** Everything recorded before it is in the view, in milliseconds since 1970; 0 before the first refresh. */
  get asOf(): number {
    return this.#asOf
  }

  get cursor(): Cursor {
    return this.#cursor
  }

  /** Refreshes of this process, all pieces of each together. */
  get spent(): Spent {
    return this.#spent
  }

  /** To be told of each step: the next refresh may be due sooner. */
  stepped(): void {
    if (this.#running || this.#stopped) return
    if (this.#options.follower.costs.of(this.#options.view).rows - this.#rowsBefore >= rowsUntilDue) this.#begin()
  }

  /** Refreshes now, unless the view holds `demanded` already or comes to with the refresh that is under way. */
  async reach(demanded: Cursor): Promise<void> {
    if (reaches(this.#cursor, demanded)) return
    await this.#running?.catch(() => undefined)
    if (reaches(this.#cursor, demanded)) return
    await this.refresh()
  }

  /** One refresh, to its end. Those who ask for one meanwhile share the next. */
  refresh(): Promise<void> {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
      this.#waitFor(this.#options.everyMs)
    })
    return this.#running
  }

  #begin(): void {
    this.refresh().catch(error => this.#options.onError?.(error))
  }

  #waitFor(ms: number): void {
    const { clock } = this.#options
    clock.clearTimer(this.#timer)
    if (!this.#stopped) this.#timer = clock.setTimer(() => this.#begin(), ms)
  }

  async #run(): Promise<void> {
    const { follower, view } = this.#options
    const { cursor, asOf } = follower.state
    this.#rowsBefore = follower.costs.of(view).rows
    let [ms, rows] = [0, 0]
    for (let more = true; more && !this.#stopped; ) {
      const piece = await follower.refreshPiece(view)
      more = piece.more
      ms += piece.ms
      rows += piece.rows
    }
    if (this.#stopped) return
    this.#asOf = asOf
    this.#cursor = cursor
    this.#spent = { times: this.#spent.times + 1, ms: this.#spent.ms + ms, lastMs: ms, rows: this.#spent.rows + rows }
  }
}
