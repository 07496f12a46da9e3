import { type Database, keepHouse } from '@plimsoll/database'
import type { SharedLog } from '@plimsoll/eventlog'
import { LogSubscriber } from '@plimsoll/pubsub/bulk'
import { type Clock, systemClock } from '@plimsoll/resilience'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { feedRoutes } from './routes.ts'
import { cursorName, migrateFeed, rewrittenTables, sweepUsers } from './store.ts'
import { type UserEvents, UsersFollower } from './users-follower.ts'

/** What is kept of one user: the newest items, and none older than this. */
const keep = { items: 200, ms: 90 * 86_400_000 }
/** Between two pieces of a sweep, in milliseconds, and the users in one. */
const sweepMs = 5_000
const sweepUsersAtOnce = 100

export interface FeedOptions {
  /** Reads the log, for others too. */
  shared: SharedLog
  /** The feed's own store. */
  store: Database
  /** True while others ask things of the same store, for which it makes way. Default: nobody does. */
  othersAsk?(): boolean
  /** What happens to users; without it feeds hold sessions only, and nobody's is ever emptied. */
  users: UserEvents | undefined
  adminToken: string
  /** True when the request carries a signed-in console's cookie. Good for reading only. */
  isSignedIn?(request: FastifyRequest): boolean
  /** The time of day. Default `Date.now`. */
  now?(): number
  clock?: Clock
  onError?(error: unknown): void
}

export interface Feed {
  routes(app: FastifyInstance): Promise<void>
  readonly subscriber: LogSubscriber
  /** Failures to follow what happens to users, since the last page that was taken. */
  readonly userFailures: number
  /** One piece of a sweep: removes what is not to be kept of the next users. True at the end of a round. */
  sweep(): Promise<boolean>
  start(): void
  stop(): Promise<void>
}

/** The activity feed of each user. */
export async function createFeed(options: FeedOptions): Promise<Feed> {
  const { shared, store, users, adminToken, isSignedIn = () => false, now = Date.now } = options
  const { othersAsk = () => false } = options
  const { clock = systemClock, onError } = options
  await migrateFeed(store)
  const subscriber = new LogSubscriber({
    name: cursorName,
    log: shared,
    store,
    procedure: new URL('./feed-procedure.ts', import.meta.url),
    // It writes a row for each session, and nobody waits for it: a part of the time. A step has eight statements of its own,
    // whatever its length; while somebody asks something, long ones are what they wait behind.
    batch: () => (othersAsk() ? 100 : 500),
    share: () => (othersAsk() ? 0.15 : 0.25),
    now,
    clock,
    onError
  })
  const follower = users && new UsersFollower(store, users, clock, error => onError?.(error))
  let stopHousekeeping = () => {}
  let sweeping: NodeJS.Timeout | undefined
  let swept: Promise<unknown> = Promise.resolve()
  let after = ''
  const sweep = async () => {
    const last = await sweepUsers(store, { after, users: sweepUsersAtOnce, since: now() - keep.ms, keep: keep.items })
    after = last ?? ''
    return last === undefined
  }
  return {
    subscriber,
    get userFailures() {
      return follower?.failures ?? 0
    },
    routes: app => feedRoutes(app, { store, subscriber, keep, adminToken, isSignedIn, now, clock }),
    sweep,
    start() {
      subscriber.start()
      follower?.start()
      stopHousekeeping = keepHouse(store, rewrittenTables, onError ? { onError } : {})
      sweeping = setInterval(() => {
        swept = sweep().catch(error => onError?.(error))
      }, sweepMs).unref()
    },
    async stop() {
      stopHousekeeping()
      clearInterval(sweeping)
      await swept
      await follower?.stop()
      await subscriber.stop()
    }
  }
}
