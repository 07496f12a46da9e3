import { type Database, keepHouse } from '@plimsoll/database'
import { type Clock, systemClock } from '../clock.ts'
import type { UserMetadata } from '../contract.ts'
import { firstOf, type UserDirectory } from '../directory.ts'
import {
  FollowerMovedError,
  findUsers,
  loadUsers,
  migrateMetadata,
  moveCursor,
  readCursor,
  rewrittenTables,
  writeUsers
} from '../store.ts'
import { foldUser, userEvent } from './user-event.ts'

/** A page of what happened to users. What is in its events is judged where it is folded. */
export interface UserFeedPage {
  events: readonly unknown[]
  cursor: string
  caughtUp: boolean
}

/** Whoever tells what happened to users: their service in the same process, or over HTTP. */
export interface UserFeed {
  /** Page after page behind a cursor, or from the beginning, each as it comes, until the signal is given. */
  follow(after: string | undefined, signal: AbortSignal): AsyncIterable<UserFeedPage>
}

export interface RegisteredUsersOptions {
  database: Database
  feed: UserFeed
  /** Users held in memory at most, where the store is this process's own. Beyond it the store is asked. Default 100,000. */
  capacity?: number
  clock?: Clock
  /** Told of each failure to follow. It goes on by itself, slower each time, up to 5 s. */
  onError?(error: unknown): void
}

/** Somebody who is registered was to be given metadata by hand. */
export class UserRegistered extends Error {
  override readonly name = 'UserRegistered'
  readonly code = 'user_registered'
  constructor() {
    super('This user is registered: change them at users, and what is known of them here follows.')
  }
}

const firstRestMs = 100
const longestRestMs = 5_000
const mostResident = 100_000

/** The registered users: a view of their events. Rows and cursor move in one transaction. */
export class RegisteredUsers implements UserDirectory {
  readonly #options: RegisteredUsersOptions
  readonly #clock: Clock
  readonly #stop = new AbortController()
  /**
   * All of them, while they are not too many and nobody else writes the table: an embedded engine has one thread, and who
   * asks for metadata on the way of an event must not wait there behind the commits of others.
   */
  #resident: Map<string, UserMetadata | null> | undefined
  #caughtUp = false
  #failures = 0
  #running: Promise<void> | undefined
  #stopHousekeeping = () => {}

  private constructor(options: RegisteredUsersOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  static async open(options: RegisteredUsersOptions): Promise<RegisteredUsers> {
    await migrateMetadata(options.database)
    const opened = new RegisteredUsers(options)
    await opened.#load()
    return opened
  }

  async #load(): Promise<void> {
    const { database, capacity = mostResident } = this.#options
    if (database.engine !== 'pglite') return
    const { users, all } = await loadUsers(database, capacity)
    this.#resident = all ? users : undefined
  }

  /** True when everything that happened to users is in here, as of the last look. */
  get caughtUp(): boolean {
    return this.#caughtUp
  }

  /** Failures to follow, one after another, since the last page that was taken. */
  get failures(): number {
    return this.#failures
  }

  async lookup(userIds: string[]): Promise<Map<string, UserMetadata | null>> {
    const resident = this.#resident
    if (resident) return new Map(userIds.flatMap(id => (resident.has(id) ? [[id, resident.get(id)!]] : [])))
    // A store has no NUL in its texts, and nobody registered has one in an id.
    const known = await findUsers(
      this.#options.database,
      userIds.filter(id => !id.includes('\0') && id.isWellFormed())
    )
    return new Map([...known].map(([id, { metadata }]) => [id, metadata]))
  }

  /** Follows the users from where it was, until `stop`. */
  start(): void {
    const { database, onError } = this.#options
    this.#running ??= this.#follow()
    this.#stopHousekeeping = keepHouse(database, rewrittenTables, onError ? { onError } : {})
  }

  async stop(): Promise<void> {
    this.#stopHousekeeping()
    this.#stop.abort()
    await this.#running
  }

  async #follow(): Promise<void> {
    const { database, feed, onError } = this.#options
    const { signal } = this.#stop
    for (let overtaken = false; !signal.aborted; ) {
      try {
        let cursor = await readCursor(database)
        // What another one wrote is not in our memory. After the cursor: what is written meanwhile is met again.
        if (overtaken) await this.#load()
        overtaken = false
        for await (const page of feed.follow(cursor, signal)) {
          await this.#apply(page, cursor)
          cursor = page.cursor
          this.#caughtUp = page.caughtUp
          this.#failures = 0
        }
      } catch (error) {
        this.#caughtUp = false
        overtaken ||= error instanceof FollowerMovedError
        if (!overtaken) onError?.(error)
        const rest = Math.min(longestRestMs, firstRestMs * 2 ** Math.min(this.#failures, 6))
        if (!overtaken) this.#failures++
        await this.#clock.wait(rest, signal)
      }
    }
  }

  async #apply({ events, cursor }: UserFeedPage, from: string | undefined): Promise<void> {
    if (cursor === from) return
    const told = events.map(userEvent).filter(event => event !== undefined)
    const users = await this.#options.database.transaction(async tx => {
      // First: who comes second waits here, and then finds that it is late.
      await moveCursor(tx, from, cursor)
      const known = await findUsers(tx, [...new Set(told.map(({ userId }) => userId))])
      const changed = new Map<string, NonNullable<ReturnType<typeof foldUser>>>()
      for (const event of told) {
        const before = changed.get(event.userId) ?? known.get(event.userId)
        const after = foldUser(before, event)
        if (after && after !== before) changed.set(event.userId, after)
      }
      await writeUsers(tx, changed)
      return changed
    })
    const resident = this.#resident
    if (!resident) return
    for (const [id, { metadata }] of users) resident.set(id, metadata)
    if (resident.size > (this.#options.capacity ?? mostResident)) this.#resident = undefined
  }
}

/**
 * Registered users first, and the other directory for whom nobody registered. Who was registered and is gone has no
 * metadata, whatever the other one knows; and is given none by hand.
 */
export function usersFirst(users: Pick<UserDirectory, 'lookup'>, others: UserDirectory): UserDirectory {
  const { lookup } = firstOf({ lookup: ids => users.lookup(ids) }, others)
  const unregistered = async (userId: string) => {
    if ((await users.lookup([userId])).has(userId)) throw new UserRegistered()
  }
  return {
    lookup,
    ...(others.put && {
      async put(userId, metadata) {
        await unregistered(userId)
        await others.put!(userId, metadata)
      }
    }),
    ...(others.remove && {
      async remove(userId) {
        await unregistered(userId)
        return others.remove!(userId)
      }
    })
  }
}
