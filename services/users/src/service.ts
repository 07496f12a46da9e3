import { type Database, keepHouse } from '@plimsoll/database'
import { deadlineOf, documentedDeadline, documentProblems, documentRequests, requireAdmin } from '@plimsoll/http'
import { installIdempotency } from '@plimsoll/idempotency/fastify'
import { postgresStore } from '@plimsoll/idempotency/postgres'
import { type Clock, deadline, policy, systemClock } from '@plimsoll/resilience'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { FeedPage } from './contract.ts'
import { Erasures, type Places } from './erase.ts'
import { Feed } from './feed.ts'
import { refusalOf } from './refusal.ts'
import { accountRoutes } from './routes/accounts.ts'
import { erasureRoutes } from './routes/erasure.ts'
import { historyRoutes } from './routes/history.ts'
import { openUserStore, rewrittenTables } from './store.ts'

/** How long a request may take from its arrival, in milliseconds; less when its X-Request-Deadline says so. */
const requestMs = 10_000
/** Between two looks for kept answers that are past their time, in milliseconds, and how many are removed at once. */
const sweepMs = 600_000
const sweepAtOnce = 1_000

/** Whose Idempotency-Keys are kept: who may register users is one, the admin. */
const tenant = 'users'

export interface UsersOptions {
  database: Database
  /** 32 bytes, kept outside of every database. Without them nothing personal can be read again. */
  masterKey: Uint8Array
  adminToken: string
  isSignedIn?(request: FastifyRequest): boolean
  /** Where an erasure looks for what must not be found. Default: the tables of `database`. */
  places?: Places
  clock?: Clock
  onError?(error: unknown): void
}

export interface Users {
  /** The service's routes, to be registered on a server. */
  routes(app: FastifyInstance): Promise<void>
  /** Page after page of what happened to users, behind a cursor, until the signal is given; nothing personal. */
  follow(after: string | undefined, signal: AbortSignal): AsyncGenerator<FeedPage>
  start(): void
  /** Lets go of everything but the database, which is the caller's. */
  stop(): Promise<void>
}

/** Accounts as event-sourced aggregates. @throws WrongMasterKeyError */
export async function createUsers(options: UsersOptions): Promise<Users> {
  const { database, masterKey, adminToken, clock = systemClock, onError } = options
  const { isSignedIn = () => false, places = { databases: { primary: database }, folders: [] } } = options
  const store = await openUserStore(database, masterKey)
  const answers = postgresStore(database)
  const feed = new Feed(store.events)
  const erasures = new Erasures({ store, tenant, places })
  const limited = policy('users-store', [deadline(requestMs)], { clock })
  const within = <T>(request: FastifyRequest, work: () => Promise<T>) =>
    limited.run(work, { deadline: request.deadline })
  let stopHousekeeping = () => {}
  let sweeping: NodeJS.Timeout | undefined

  const sweep = async () => {
    while ((await answers.sweep({ limit: sweepAtOnce })) === sweepAtOnce);
  }
  return {
    async routes(app) {
      app.decorateRequest('deadline', 0)
      documentProblems(app, 400, 401, 403, 503)
      documentRequests(app, {
        headers: documentedDeadline(requestMs),
        credentials: method => (method === 'GET' ? ['bearer', 'cookie'] : ['bearer'])
      })
      app.setErrorHandler(async error => {
        throw refusalOf(error)
      })
      app.addHook('onRequest', async (request, reply) => {
        reply.header('cache-control', 'no-store')
        request.deadline = deadlineOf(request, { clock, longestMs: requestMs })
        requireAdmin(request, { adminToken, isSignedIn })
      })
      const keyed = installIdempotency(app, { store: answers, tenant: () => tenant, within })
      accountRoutes(app, { store, within, keyed })
      historyRoutes(app, { store, within, feed })
      erasureRoutes(app, { within, erasures })
    },
    follow: (after, signal) => feed.follow(after, signal),
    start() {
      const told = onError ? { onError } : {}
      stopHousekeeping = keepHouse(database, rewrittenTables, told)
      sweeping = setInterval(() => void sweep().catch(error => onError?.(error)), sweepMs).unref()
    },
    async stop() {
      stopHousekeeping()
      clearInterval(sweeping)
      await store.events.close()
    }
  }
}
