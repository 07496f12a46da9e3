import { type Database, keepHouse } from '@plimsoll/database'
import { cutBefore, type SharedLog } from '@plimsoll/eventlog'
import { LogSubscriber } from '@plimsoll/pubsub/bulk'
import { type Clock, systemClock } from '@plimsoll/resilience'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { migrateDecisions } from './decisions.ts'
import { type Invoiced, invoiceMonth, type Order } from './invoices.ts'
import type { Price } from './ledger/entry.ts'
import { type Recomputed, recompute } from './recompute.ts'
import { billingRoutes } from './routes.ts'
import { Settling } from './settling.ts'
import { beginFrom, cursorName, migrateBilling, rewrittenTables } from './store.ts'

export interface BillingOptions {
  /** Where the log is, migrated. Decisions to invoice are written beside it. */
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

/** The books are made again from a log that has lost some of them. */
export class BooksCutError extends Error {
  override readonly name = 'BooksCutError'
  readonly code = 'PLIMSOLL_BILLING_BOOKS_CUT'

  constructor(wholeFrom: number) {
    const from = new Date(wholeFrom).toISOString()
    super(
      `the books are made from a log that was cut (keepEventsDays): of months that began before ${from}, what was not invoiced is incomplete, and so are corrections. Invoices are all there.`
    )
  }
}

/** Invoices that were decided on and are not in the ledger, in one that is empty all of them, are in it when this resolves. */
export async function createBilling(options: BillingOptions): Promise<Billing> {
  const { log, shared, store, price, adminToken, isSignedIn = () => false, now = Date.now } = options
  const { othersAsk = () => false } = options
  const { clock = systemClock, onError } = options
  await migrateBilling(store)
  await migrateDecisions(log)
  const settling = new Settling({ log, store, clock, onError })
  const wholeFrom = await cutBefore(log)
  if ((await beginFrom(store, wholeFrom)) && wholeFrom !== undefined) onError?.(new BooksCutError(wholeFrom))
  await settling.now()
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
    recomputing ??= recompute({ log, store, settling, signal: stopping.signal }).finally(() => {
      recomputing = undefined
    })
    return recomputing
  }
  const invoice = async (order: Order): Promise<Invoiced> => {
    try {
      return await invoiceMonth(log, store, order)
    } catch (error) {
      // It may have been decided on: then it stands, whoever hears of it.
      settling.soon()
      throw error
    }
  }
  return {
    subscriber,
    recompute: again,
    routes: app =>
      billingRoutes(app, {
        log,
        store,
        subscriber,
        price,
        adminToken,
        isSignedIn,
        now,
        clock,
        invoice,
        recompute: again
      }),
    start() {
      subscriber.start()
      stopHousekeeping = keepHouse(store, rewrittenTables, onError ? { onError } : {})
    },
    async stop() {
      stopHousekeeping()
      await settling.stop()
      stopping.abort()
      await recomputing?.catch(() => undefined)
      await subscriber.stop()
    }
  }
}
