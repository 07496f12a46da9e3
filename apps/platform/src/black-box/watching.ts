import type { Database } from '@plimsoll/database'
import type { Policy } from '@plimsoll/resilience'
import type { Telemetry } from '@plimsoll/service-telemetry'
import type { FastifyInstance } from 'fastify'
import type { Settings } from '../settings.ts'
import type { BlackBox } from './black-box.ts'
import { type BrokerState, watchBroker } from './broker-figures.ts'
import { certificateEnds, showersOf } from './certificate-ends.ts'
import { watchDependency } from './dependency-figures.ts'
import { watchHttp } from './http-figures.ts'
import { watchIngest } from './ingest-figures.ts'
import { patientProbe } from './patient-probe.ts'
import { watchStore } from './store-figures.ts'
import { type SubscriberState, watchSubscriber } from './subscriber-figures.ts'

/** How the composition root shows its parts to the black box. Names become part of series: no dots in them. */
export interface Watching {
  store(name: string, database: Database): Database
  dependency(name: string, policy: Policy, budgetMs: number): Policy
  /** Asks it with patience when its calls end in a timeout: late and never are two things. */
  patience(name: string, url: string, policy: Policy): void
  http(app: FastifyInstance): void
  ingest(telemetry: Telemetry, spoolBytes: number): void
  /** Each follower of the log, or of a topic, by its name. */
  subscriber(name: string, state: () => SubscriberState): void
  /** A broker that is published to. */
  broker(name: string, state: () => BrokerState): void
  /** Certificates of what is reached over TLS. */
  certificates(settings: Settings): void
  failed(where: string, error: unknown): void
}

export const unwatched: Watching = {
  store: (_, database) => database,
  dependency: (_, policy) => policy,
  patience() {},
  http() {},
  ingest() {},
  subscriber() {},
  broker() {},
  certificates() {},
  failed() {}
}

export const watchedBy = (blackBox: BlackBox): Watching => ({
  store: (name, database) => watchStore(name, database, blackBox),
  dependency: (name, policy, budgetMs) => watchDependency(name, policy, budgetMs, blackBox),
  patience: (name, url, policy) => blackBox.add(patientProbe({ name, url, policy })),
  http: app => watchHttp(app, blackBox),
  ingest: (telemetry, spoolBytes) => watchIngest(telemetry, spoolBytes, blackBox),
  subscriber: (name, state) => watchSubscriber(name, state, blackBox),
  broker: (name, state) => watchBroker(name, state, blackBox),
  certificates: settings => blackBox.add(certificateEnds(showersOf(settings))),
  failed: (where, error) => blackBox.failed(where, error)
})
