import { SharedLog } from '@plimsoll/eventlog'
import { bearer, createServer, problem, sameSecret } from '@plimsoll/http'
import { createAnalytics } from '@plimsoll/service-analytics'
import { createBilling } from '@plimsoll/service-billing'
import { createFeed } from '@plimsoll/service-feed'
import {
  createMetadataService,
  demoDirectory,
  firstOf,
  memoryDirectory,
  RegisteredUsers,
  usersFirst
} from '@plimsoll/service-metadata'
import { createTelemetry, metadataBudgetMs } from '@plimsoll/service-telemetry'
import { createUsers } from '@plimsoll/service-users'
import type { KnownDashboard, KnownState } from '@plimsoll/service-watcher'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { absentStore } from './absent-store.ts'
import { unwatched, type Watching } from './black-box/watching.ts'
import { brokerRelay } from './broker/relay.ts'
import { burdenedStore } from './burdened-store.ts'
import { serveConsole } from './console.ts'
import type { DataDirectory } from './data-directory.ts'
import { demoSeed } from './demo-seed.ts'
import { faultKnobs } from './fault-knobs.ts'
import type { Patient } from './health.ts'
import { KnownDashboards } from './known-dashboards.ts'
import { MakingWay } from './making-way.ts'
import { metricsRoute } from './metrics.ts'
import { noObservability, type Observability } from './observability/observability.ts'
import { allowedOrigins } from './origins.ts'
import { Practice } from './practice/practice.ts'
import { cookieName } from './session-cookie.ts'
import type { Settings } from './settings.ts'
import { SignIn } from './sign-in.ts'
import { openStores, placesOf, spoolIn } from './stores.ts'
import { inBlackBox, type Standing, Subscribers, subscribersRoute } from './subscribers.ts'
import { masterKeyOf } from './users-key.ts'
import { warmUp } from './warm-up.ts'

export interface Platform {
  url: string
  metadataUrl: string
  /** Counters and states for the watcher and for `/metrics`. */
  snapshot(): Omit<KnownState, 'projects' | 'dashboards'>
  signInLink(): string
  /** True when the log has no entry at all. */
  isEmpty(): Promise<boolean>
  /** What is stored, by project, from the read side's last answer; empty when it cannot say. */
  projects(): Promise<KnownState['projects']>
  /** The last good answers of the dashboard, of the latest of these projects. */
  dashboards(projects: KnownState['projects']): KnownDashboard[]
  /** Rejects or resolves when a store is gone. */
  storeLost: Promise<Error | undefined>
  close(): Promise<void>
}

export interface PlatformOptions {
  settings: Settings
  data: DataDirectory
  logger: Logger
  /** Folder of the built console; without it the platform has none. */
  consoleDist?: string | undefined
  /** Where the watcher answers, for a link in the console. Default: there is none. */
  watcherUrl?: string | undefined
  /** Is given what its health checks look at, as soon as it is there. */
  patient?: Patient
  /** Default: nothing is exported. Its owner closes it, after the platform. */
  observability?: Observability
  /** Shows what the platform is made of to its black box. Default: it has none. */
  watching?: Watching
}

/** The composition root: every service in one process, each given its ports. */
export async function startPlatform({
  settings,
  data,
  logger,
  consoleDist,
  watcherUrl,
  patient = {},
  observability = noObservability,
  watching = unwatched
}: PlatformOptions): Promise<Platform> {
  const { adminToken } = data
  const opened = await openStores(settings, data.path)
  const breakable = settings.faultKnobs ? absentStore(opened.primary) : undefined
  const primary = watching.store('primary', breakable?.database ?? opened.primary)
  const read = watching.store('read', opened.read)
  const burdened = settings.faultKnobs ? burdenedStore(read) : undefined
  Object.assign(patient, { primary, read })
  const closing: (() => Promise<unknown>)[] = [() => primary.close(), () => read.close()]
  const close = async () => {
    for (const step of closing.splice(0).reverse())
      await step().catch(error => logger.error({ err: error }, 'while closing'))
  }
  try {
    const onError = (error: unknown) => {
      watching.failed('background', error)
      logger.warn({ err: error }, 'a background task failed and will be tried again')
    }
    const signIn = new SignIn(data.secret, Date.now, settings.watcherUrl || watcherUrl)
    const users = await createUsers({
      database: primary,
      masterKey: masterKeyOf(settings, data),
      adminToken,
      isSignedIn: request => signIn.isSignedIn(request),
      places: placesOf({ primary, read }, settings, data.path),
      onError
    })
    closing.push(() => users.stop())
    const registered = settings.metadataUrl
      ? undefined
      : await RegisteredUsers.open({ database: primary, feed: users, onError })
    if (registered) closing.push(() => registered.stop())
    const metadataUrl = registered
      ? await startMetadata(settings, adminToken, registered, logger, closing)
      : settings.metadataUrl
    const isAdmin = (request: FastifyRequest) => sameSecret(bearer(request) ?? '', adminToken)

    const isSignedIn = (request: FastifyRequest) => signIn.isSignedIn(request)
    const shared = new SharedLog(primary)
    const subscribers = new Subscribers(primary, shared)
    const { asked, othersAsk } = new MakingWay()
    const analytics = await createAnalytics({
      onQuestion: asked,
      log: primary,
      shared,
      store: burdened?.database ?? read,
      onError,
      mayRead(request) {
        if (!isAdmin(request) && !signIn.isSignedIn(request)) {
          throw problem(401, 'unauthorized', 'Sign in (`plimsoll sign-in` prints a link) or send the admin token.')
        }
      }
    })
    const telemetry = await createTelemetry({
      database: primary,
      metadataUrl,
      adminToken,
      isSignedIn: request => signIn.isSignedIn(request),
      counted: project => analytics.counted(project),
      origins: allowedOrigins(settings.origins),
      policies: settings.policies,
      keepMs: settings.keepEventsDays ? settings.keepEventsDays * 86_400_000 : undefined,
      spool: spoolIn(data.path, settings),
      observe: policy => watching.dependency('metadata', observability.observe(policy), metadataBudgetMs),
      outboundHeaders: observability.outboundHeaders,
      onError,
      onWarning: (message, details) => logger.warn(details, message)
    })

    const billing = await createBilling({
      log: primary,
      shared,
      store: read,
      othersAsk,
      price: { unitPrice: settings.billingUnitPrice, currency: settings.billingCurrency },
      adminToken,
      isSignedIn,
      onError
    })
    const feed = await createFeed({ shared, store: read, othersAsk, users, adminToken, isSignedIn, onError })
    const followers = { analytics, feed: feed.subscriber, billing: billing.subscriber }
    for (const [name, follower] of Object.entries<Standing>(followers)) subscribers.watch(name, follower)
    const carrying = await brokerRelay({ settings, database: primary, shared, onError })
    if (carrying) subscribers.watch(`broker ${carrying.broker}`, carrying.relay)

    watching.patience('metadata', metadataUrl, telemetry.policy)
    watching.certificates(settings)
    patient.breaker = () => telemetry.policy.breaker?.state ?? 'none'
    const app = await createServer({
      title: 'Plimsoll',
      version: '1',
      cookie: cookieName,
      logger: logger as unknown as FastifyInstance['log']
    })
    observability.traceRequests(app)
    watching.http(app)
    watching.ingest(telemetry, settings.spoolBytes)
    const snapshot = (): Omit<KnownState, 'projects' | 'dashboards'> => ({
      at: Date.now(),
      pendingWrites: telemetry.ingest.pending,
      spooled: telemetry.ingest.spool?.snapshot().events ?? 0,
      breaker: telemetry.policy.snapshot().breaker?.state ?? 'none',
      lagMs: analytics.state.lagMs,
      caughtUp: analytics.state.caughtUp,
      rssBytes: residentBytes()
    })
    await app.register(telemetry.routes)
    await app.register(analytics.routes)
    await app.register(users.routes)
    await app.register(billing.routes)
    await app.register(feed.routes)
    await app.register(async scope => subscribersRoute(scope, subscribers, { adminToken, isSignedIn }))
    if (breakable && burdened) {
      const others = [billing.subscriber, feed.subscriber]
      const practice = new Practice({ log: primary, shared, store: read, subscribers, others, adminToken })
      closing.push(() => practice.stop())
      await app.register(async scope => {
        faultKnobs(scope, adminToken, { ...breakable, database: primary }, burdened)
        practice.route(scope)
      })
    }
    await app.register(async scope => signIn.routes(scope, isAdmin))
    await app.register(async scope =>
      metricsRoute(scope, { primary, read, telemetry, analytics, registered, subscribers, carrying })
    )
    // Asked by the watcher each second: that it is answered at all is the answer.
    app.get('/probe', { schema: { hide: true } }, async (_request, reply) => reply.code(204).send())
    if (consoleDist !== undefined) await app.register(async scope => serveConsole(scope, consoleDist))
    const url = await app.listen({ host: settings.host, port: settings.port })
    closing.push(
      async () => subscribers.stop(),
      () => telemetry.stop(),
      () => analytics.stop(),
      () => billing.stop(),
      () => feed.stop(),
      () => app.close()
    )
    if (carrying) {
      closing.push(() => carrying.relay.stop())
      // Before anything is taken: what it is to carry begins here.
      await carrying.relay.start()
    }
    telemetry.start()
    analytics.start()
    billing.start()
    feed.start()
    subscribers.start()
    // Once they run: one that has not begun is not dead.
    const endOfLog = () => Number(telemetry.ingest.position.split('.')[1])
    for (const [name, follower] of Object.entries<Standing>(followers))
      watching.subscriber(name, () => inBlackBox(follower, endOfLog()))
    if (carrying) {
      const { broker, relay } = carrying
      watching.broker(broker, () => {
        const { up, cursor, error } = relay.state
        return { up, behind: Math.max(0, endOfLog() - cursor.position), error }
      })
    }
    users.start()
    registered?.start()
    await warmUp(app, adminToken)
    const dashboards = new KnownDashboards(async project => {
      const url = `/v1/dashboard?project=${encodeURIComponent(project)}`
      const answer = await app.inject({ url, headers: { authorization: `Bearer ${adminToken}` } })
      return answer.statusCode === 200 ? answer.json() : undefined
    })
    return {
      url,
      metadataUrl,
      snapshot,
      signInLink: () => `${url}/sign-in#${signIn.newToken()}`,
      isEmpty: async () => (await primary.query('select from eventlog.entries limit 1')).affected === 0,
      dashboards: projects => dashboards.of(projects),
      projects: async () => analytics.projects().catch(() => []),
      storeLost: Promise.race([primary.exited, read.exited]),
      close
    }
  } catch (error) {
    await close()
    throw error
  }
}

let lastResident = 0
/** It is read from a file: with no descriptor left, what it last was. The watcher must hear from us also then. */
function residentBytes(): number {
  try {
    lastResident = process.memoryUsage.rss()
  } catch {}
  return lastResident
}

async function startMetadata(
  settings: Settings,
  adminToken: string,
  users: RegisteredUsers,
  logger: Logger,
  closing: (() => Promise<unknown>)[]
): Promise<string> {
  const service = createMetadataService({
    directory: usersFirst(users, firstOf(memoryDirectory(), demoDirectory({ seed: demoSeed }))),
    adminToken,
    faultKnobs: settings.faultKnobs,
    logger
  })
  const url = await service.listen({ host: '127.0.0.1', port: settings.metadataPort })
  closing.push(() => service.close())
  return url
}
