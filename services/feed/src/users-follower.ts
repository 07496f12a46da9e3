import type { Database } from '@plimsoll/database'
import type { Clock } from '@plimsoll/resilience'
import { addUserEvents, readUsersCursor } from './store.ts'
import { isGone, rowOf, userEvent } from './user-event.ts'

/** A page of what happened to users. What is in its events is judged where it is used. */
export interface UserEventPage {
  events: readonly unknown[]
  cursor: string
  caughtUp: boolean
}

/** Whoever tells what happened to users: their service in the same process, or over HTTP. */
export interface UserEvents {
  /** Page after page behind a cursor, or from the beginning, each as it comes, until the signal is given. */
  follow(after: string | undefined, signal: AbortSignal): AsyncIterable<UserEventPage>
}

const firstRestMs = 100
const longestRestMs = 5_000

/** Follows what happens to users: rows and cursor move in one transaction. */
export class UsersFollower {
  readonly #store: Database
  readonly #users: UserEvents
  readonly #clock: Clock
  readonly #onError: (error: unknown) => void
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined
  /** Failures to follow, one after another, since the last page that was taken. */
  failures = 0

  constructor(store: Database, users: UserEvents, clock: Clock, onError: (error: unknown) => void) {
    this.#store = store
    this.#users = users
    this.#clock = clock
    this.#onError = onError
  }

  start(): void {
    this.#running ??= this.#follow()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        let cursor = await readUsersCursor(this.#store)
        for await (const page of this.#users.follow(cursor, signal)) {
          if (page.cursor !== cursor) await this.#apply(page, cursor)
          cursor = page.cursor
          this.failures = 0
        }
      } catch (error) {
        if (signal.aborted) return
        this.#onError(error)
        await this.#rest(Math.min(longestRestMs, firstRestMs * 2 ** Math.min(this.failures++, 6)))
      }
    }
  }

  async #apply({ events, cursor: to }: UserEventPage, from: string | undefined): Promise<void> {
    const told = events.map(userEvent)
    await addUserEvents(
      this.#store,
      { from, to },
      told.map(event => {
        if (isGone(event)) return { gone: event.userId }
        const row = rowOf(event)
        return row ? { row } : {}
      })
    )
  }

  #rest(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = this.#clock.setTimer(resolve, ms)
    this.#stop.signal.addEventListener('abort', () => resolve(), { once: true })
    return promise.finally(() => this.#clock.clearTimer(timer))
  }
}
