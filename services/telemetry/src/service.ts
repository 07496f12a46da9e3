import { type Database, keepHouse } from '@plimsoll/database'
import { headOf } from '@plimsoll/eventlog'
import { deadlineOf, documentProblems, documentRequests, Problem, problemOfError } from '@plimsoll/http'
import { type Clock, type Policy, systemClock } from '@plimsoll/resilience'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Enricher } from './enrichment/enricher.ts'
import { createMetadataClient, type MetadataClient } from './enrichment/metadata-client.ts'
import { guardedLoad, metadataPolicy } from './enrichment/policy.ts'
import { ReEnricher } from './enrichment/re-enricher.ts'
import { Unguarded } from './enrichment/unguarded.ts'
import { type Enrich, Ingest } from './ingest/ingest.ts'
import { createKeys, type Keys } from './keys.ts'
import { ledgerFolding } from './ledger-folding.ts'
import { limits } from './limits.ts'
import { openRetention } from './retention.ts'
import { administrationRoutes, type CountedPort } from './routes/administration.ts'
import { crossOrigin } from './routes/cross-origin.ts'
import { requestHeaders } from './routes/documented-headers.ts'
import { eventRoutes } from './routes/events.ts'
import { lookupRoute } from './routes/lookup.ts'
import { lossRoutes } from './routes/losses.ts'
import { policyRoutes } from './routes/policies.ts'
import { createIdentify, type Principal, writes } from './routes/principal.ts'
import { sessionRoutes } from './routes/sessions.ts'
import { spoolRoute } from './routes/spool.ts'
import { type IngestSpool, openIngestSpool } from './spool/ingest-spool.ts'
import { migrateTelemetry } from './store.ts'

export interface TelemetryOptions {
  database: Database
  /** Where the metadata API answers. Read at each call's start, so that it may be told later. */
  metadataUrl: string
  adminToken: string
  isSignedIn?(request: FastifyRequest): boolean
  counted?: CountedPort
  /** Origins whose pages may post events, as `https://shop.example`; an empty list is none. Default: any. */
  origins?: readonly string[] | undefined
  /** Off only for the drill that shows what the policies prevent. */
  policies?: boolean
  /**
   * Where events are kept while the store is away: a directory of this process's own, and the bytes it may take. Without
   * it they are refused.
   */
  spool?: { directory: string; maxBytes: number } | undefined
  /** How long events are kept in the log, in milliseconds, at least 35 days; a partition at a time goes. Default: for ever. */
  keepMs?: number | undefined
  clock?: Clock
  /** Given the policy around the metadata API before it is used, to watch it. Default: as it is. */
  observe?(policy: Policy): Policy
  /** Headers for each call of the metadata API, as a trace context. Default: none. */
  outboundHeaders?(): Record<string, string>
  onError?(error: unknown): void
  /** Told of what was acknowledged and cannot be counted. */
  onWarning?(message: string, details: object): void
}

export interface Telemetry {
  readonly keys: Keys
  readonly policy: Policy
  readonly ingest: Ingest
  /** The service's routes, to be registered on a server. */
  routes(app: FastifyInstance): Promise<void>
  start(): void
  /** Answers what was taken, then lets go of everything but the database, which is the caller's. */
  stop(): Promise<void>
}

/** The write side, composed from the ports it is given. */
export async function createTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const { database, clock = systemClock, policies = true, onError } = options
  await migrateTelemetry(database)
  const retention = await openRetention(database, { clock, keepMs: options.keepMs, onError: error => onError?.(error) })
  const folding = ledgerFolding(database, { clock, onError: error => onError?.(error) })
  const keys = createKeys(database)
  const client: MetadataClient = createMetadataClient(options.metadataUrl, {
    clock,
    connections: policies ? 32 : 200,
    ...(options.outboundHeaders && { outboundHeaders: options.outboundHeaders })
  })
  const { observe = (policy: Policy) => policy } = options
  const policy = observe(metadataPolicy(clock))
  const load = guardedLoad(client, policy)
  const enrich: Enrich = policies ? new Enricher({ load, clock }) : new Unguarded(client)
  const embedded = database.engine === 'pglite'
  const spool = await spoolOf(options)
  const committers = embedded ? 2 : 3
  const head = await headOf(database)
  const ingest = new Ingest({ database, enrich, clock, spool, committers, beside: embedded ? 250 : 1, head })
  const reEnricher = new ReEnricher({
    database,
    load: policies ? load : ids => client.fetchMany(ids),
    commit: work => ingest.commit(work, { deadline: Number.POSITIVE_INFINITY }),
    ...(onError ? { onError } : {})
  })
  let stopHousekeeping = () => {}
  const identify = createIdentify({
    keys,
    ingest,
    adminToken: options.adminToken,
    isSignedIn: options.isSignedIn ?? (() => false)
  })

  return {
    keys,
    policy,
    ingest,
    async routes(app) {
      app.decorateRequest('principal', null)
      app.decorateRequest('deadline', 0)
      documentProblems(app, 400, 401, 403, 503)
      const pages = crossOrigin(app, options.origins)
      documentRequests(app, {
        headers: requestHeaders,
        credentials: method => (method === 'GET' ? ['bearer', 'cookie'] : ['bearer'])
      })
      // Before the body is read: what nobody may send is not parsed.
      const enter = (request: FastifyRequest, principal: Principal): void | Promise<void> => {
        request.principal = principal
        // Before the body is read, too: a refusal must cost little when most are refused.
        if (writes(request)) return ingest.knock(principal.project, request.deadline)
      }
      app.addHook('onRequest', (request, reply, done) => {
        pages.allow(request, reply)
        if (pages.isPreflight(request)) return done()
        request.deadline = deadlineOf(request, { clock, longestMs: limits.requestMs })
        const principal = identify(request)
        const entered =
          principal instanceof Promise ? principal.then(who => enter(request, who)) : enter(request, principal)
        // Most have a key that is known and find the door open. They wait for nothing, and promises for each are felt.
        if (entered) entered.then(() => done(), done)
        else done()
      })
      app.addHook('onError', async (request, _reply, error) => {
        const refused = error instanceof Problem ? error : problemOfError(error)
        if (refused && writes(request)) ingest.countRefused(request.principal?.project ?? '(none)', refused.code)
      })
      eventRoutes(app, ingest, options.keepMs)
      lookupRoute(app, database, ingest)
      sessionRoutes(app, database, ingest, options.keepMs)
      lossRoutes(app, database, ingest)
      administrationRoutes(app, database, keys, ingest, options.counted ?? (async () => null))
      spoolRoute(app, ingest)
      policyRoutes(app, [policy, ingest.store], ingest)
    },
    start() {
      reEnricher.start()
      spool?.start()
      retention.start()
      folding.start()
      stopHousekeeping = keepHouse(
        database,
        ['telemetry.ledger', 'telemetry.refused', 'telemetry.client_losses'],
        onError ? { onError } : {}
      )
    },
    async stop() {
      stopHousekeeping()
      await retention.stop()
      await folding.stop()
      await reEnricher.stop()
      await ingest.close()
      await client.close()
    }
  }
}

async function spoolOf({
  spool,
  database,
  clock = systemClock,
  onError,
  onWarning
}: TelemetryOptions): Promise<IngestSpool | undefined> {
  if (!spool) return undefined
  return openIngestSpool({
    ...spool,
    database,
    clock,
    onError: error => onError?.(error),
    onWarning: (message, details) => onWarning?.(message, details)
  })
}
