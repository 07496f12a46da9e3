import { migrateLog, SharedLog } from '@plimsoll/eventlog'
import type { Health } from '@plimsoll/health'
import { bearer, createServer, problem, sameSecret } from '@plimsoll/http'
import { createAnalytics } from '@plimsoll/service-analytics'
import { createBilling } from '@plimsoll/service-billing'
import { createFeed } from '@plimsoll/service-feed'
import { httpUserFeed } from '@plimsoll/service-metadata'
import { createTelemetry, metadataBudgetMs } from '@plimsoll/service-telemetry'
import { createUsers } from '@plimsoll/service-users'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import pino, { type Logger } from 'pino'
import { openServiceBox } from './black-box/service-box.ts'
import { type Watching, watchedBy } from './black-box/watching.ts'
import { DataDirectory } from './data-directory.ts'
import { type Patient, startOwnHealth } from './health.ts'
import { type Observability, startObservability } from './observability/observability.ts'
import { allowedOrigins } from './origins.ts'
import { serveMetadata } from './serve-metadata.ts'
import { SettingError, type Settings } from './settings.ts'
import { openStores, placesOf, spoolIn } from './stores.ts'
import { inBlackBox, type Standing } from './subscribers.ts'
import { masterKeyOf } from './users-key.ts'

export const serviceNames = ['telemetry', 'analytics', 'billing', 'feed', 'metadata', 'users'] as const
export type ServiceName = (typeof serviceNames)[number]

export interface RunningService {
  url: string
  healthUrl: string
  /** The folder of its black box, for `plimsoll why --data`; undefined where it has none. */
  blackBox: string | undefined
  /**
   * Not ready at once, then what has begun is finished, all of it in the time that the settings allow.
   * @param why a signal's name, or what else is told in the black box. Default `stopped`.
   */
  close(why?: string): Promise<void>
}

export interface Composed {
  url: string
  close(): Promise<void>
}

/** One service in this process, on its port: the same code as in the platform, in another composition. */
export async function startService(name: ServiceName, settings: Settings): Promise<RunningService> {
  const observability = await startObservability(settings, `plimsoll-${name}`)
  const logger = pino({ level: settings.logLevel, base: null, mixin: observability.logFields }, pino.destination(2))
  const startedAt = performance.now()
  const data = new DataDirectory(settings.data)
  const { blackBox, folder, close: closeBox } = openServiceBox(name, data, settings, logger)
  const patient: Patient = {}
  let health: Health | undefined
  try {
    const own = await startOwnHealth(settings, logger, patient)
    health = own
    const parts = { settings, data, log: logger, patient, observability, watching: watchedBy(blackBox) }
    const service = await compose(name, parts)
    own.started()
    blackBox.happened('ready', { detail: { after: Math.round(performance.now() - startedAt) } })
    return {
      url: service.url,
      healthUrl: own.url,
      blackBox: folder,
      async close(why = 'stopped') {
        if (/^SIG[A-Z]+$/.test(why)) blackBox.happened('signal', { subject: why })
        blackBox.happened('close', { detail: { why, code: 0 } })
        await own.drain({
          readyDelayMs: settings.drainDelayMs,
          timeoutMs: settings.drainDelayMs + settings.drainTimeoutMs,
          close: { [name]: () => service.close() }
        })
        await observability.close()
        await own.close()
        closeBox()
      }
    }
  } catch (error) {
    blackBox.failed('start', error)
    closeBox()
    await observability.close()
    await health?.close()
    throw error
  }
}

/** What a service by itself is composed in. */
export interface Parts {
  settings: Settings
  data: DataDirectory
  log: Logger
  patient: Patient
  observability: Observability
  watching: Watching
}

async function compose(name: ServiceName, parts: Parts): Promise<Composed> {
  const { settings, data, log, patient, observability, watching } = parts
  const logger = log as unknown as FastifyInstance['log']
  const { adminToken } = data
  const onError = (error: unknown) => {
    watching.failed('background', error)
    log.warn({ err: error }, 'a background task failed and will be tried again')
  }
  if (name === 'metadata') return serveMetadata(parts, onError)
  if (settings.databaseUrl === '') {
    throw new SettingError(
      'a service by itself needs databaseUrl (postgres://…): an embedded store belongs to one process'
    )
  }
  const stores = await openStores(settings, settings.data)
  const primary = watching.store('primary', stores.primary)
  const read = watching.store('read', stores.read)
  Object.assign(patient, { primary, read })
  const app = await createServer({ title: `Plimsoll ${name}`, version: '1', logger })
  observability.traceRequests(app)
  watching.http(app)
  watching.certificates(settings)
  const stop = await { telemetry, analytics, billing, feed, users }[name]()
  const url = await app.listen({ host: settings.host, port: settings.port })
  return {
    url,
    async close() {
      await app.close()
      await stop()
      await Promise.all([primary.close(), read.close()])
    }
  }

  /** Once it runs: one that has not begun is not dead. */
  function follows(follower: Standing): void {
    watching.subscriber(name, () => inBlackBox(follower))
  }

  async function telemetry(): Promise<() => Promise<void>> {
    if (settings.metadataUrl === '') throw new SettingError('telemetry by itself needs metadataUrl')
    if (settings.brokerUrl !== '')
      throw new SettingError('a service by itself publishes to no broker: leave out brokerUrl')
    const service = await createTelemetry({
      database: primary,
      metadataUrl: settings.metadataUrl,
      adminToken,
      origins: allowedOrigins(settings.origins),
      policies: settings.policies,
      keepMs: settings.keepEventsDays ? settings.keepEventsDays * 86_400_000 : undefined,
      spool: spoolIn(settings.data, settings),
      observe: policy => watching.dependency('metadata', observability.observe(policy), metadataBudgetMs),
      outboundHeaders: observability.outboundHeaders,
      onError,
      onWarning: (message, details) => log.warn(details, message)
    })
    watching.patience('metadata', settings.metadataUrl, service.policy)
    watching.ingest(service, settings.spoolBytes)
    patient.breaker = () => service.policy.breaker?.state ?? 'none'
    await app.register(service.routes)
    service.start()
    return () => service.stop()
  }

  async function analytics(): Promise<() => Promise<void>> {
    await migrateLog(primary)
    const service = await createAnalytics({
      log: primary,
      store: read,
      onError,
      mayRead(request: FastifyRequest) {
        if (!sameSecret(bearer(request) ?? '', adminToken)) throw problem(401, 'unauthorized', 'Send the admin token.')
      }
    })
    await app.register(service.routes)
    service.start()
    follows(service)
    return () => service.stop()
  }

  async function billing(): Promise<() => Promise<void>> {
    await migrateLog(primary)
    const service = await createBilling({
      log: primary,
      shared: new SharedLog(primary),
      store: read,
      price: { unitPrice: settings.billingUnitPrice, currency: settings.billingCurrency },
      adminToken,
      onError
    })
    await app.register(service.routes)
    service.start()
    follows(service.subscriber)
    return () => service.stop()
  }

  async function feed(): Promise<() => Promise<void>> {
    await migrateLog(primary)
    const { usersUrl: url } = settings
    const service = await createFeed({
      shared: new SharedLog(primary),
      store: read,
      users: url === '' ? undefined : httpUserFeed({ url, adminToken }),
      adminToken,
      onError
    })
    await app.register(service.routes)
    service.start()
    follows(service.subscriber)
    return () => service.stop()
  }

  async function users(): Promise<() => Promise<void>> {
    const service = await createUsers({
      database: primary,
      masterKey: masterKeyOf(settings, data),
      adminToken,
      places: placesOf({ primary, read }, settings, data.path),
      onError
    })
    await app.register(service.routes)
    service.start()
    return () => service.stop()
  }
}
