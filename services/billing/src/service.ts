import { type Database, keepHouse } from '@plimsoll/database'
import type { SharedLog } from '@plimsoll/eventlog'
import { LogSubscriber } from '@plimsoll/pubsub/bulk'
import { type Clock, systemClock } from '@plimsoll/resilience'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Price } from './ledger/entry.ts'
import { type Recomputed, recompute } from './recompute.ts'
import { billingRoutes } from './routes.ts'
import { cursorName, migrateBilling, rewrittenTables } from './store.ts'

export interface BillingOptions {
  /** Where the log is. */
  log: Database
  /** Reads it, for others too. */
  shared: SharedLog
  /** Billing's own store. */
  store: Database
  /** True while others ask things of the same store, for which small steps make way. Default: nobody does. */
  othersAsk?(): boolean
  price: Price
  adminToken: string
  /** True when the request carries a signed-in console's cookie. Good for reading only. */
  isSignedIn?(request: FastifyRequest): boolean
  /** The time of day. Default `Date.now`. */
  now?(): number
  /** By which requests are given up. Default `systemClock`. */
  clock?: Clock
  onError?(error: unknown): void
}

export interface Billing {
  routes(app: FastifyInstance): Promise<void>
  readonly subscriber: LogSubscriber
  /** Makes the books again from the log, and compares. One at a time: who asks meanwhile gets the one under way. */
  recompute(): Promise<Recomputed>
  start(): void
  stop(): Promise<void>
}

export async function createBilling(options: BillingOptions): Promise<Billing> {
  const { log, shared, store, price, adminToken, isSignedIn = () => false, now = Date.now } = options
  const { othersAsk = () => false } = options
  const { clock = systemClock, onError } = options
  await migrateBilling(store)
  const subscriber = new LogSubscriber({
    name: cursorName,
    log: shared,
    batch: 500,
    share: () => (othersAsk() ? 0.25 : 1),
    store,
    procedure: new URL('./bill-procedure.ts', import.meta.url),
    now,
    clock,
    onError
  })
  const stopping = new AbortController()
  let recomputing: Promise<Recomputed> | undefined
  let stopHousekeeping = () => {}
  const again = () => {
    recomputing ??= recompute(log, store, stopping.signal).finally(() => {
      recomputing = undefined
    })
    return recomputing
  }
  return {
    subscriber,
    recompute: again,
    routes: app =>
      billingRoutes(app, { log, store, subscriber, price, adminToken, isSignedIn, now, clock, recompute: again }),
    start() {
      subscriber.start()
      stopHousekeeping = keepHouse(store, rewrittenTables, onError ? { onError } : {})
    },
    async stop() {
      stopHousekeeping()
      stopping.abort()
      await recomputing?.catch(() => undefined)
      await subscriber.stop()
    }
  }
}
