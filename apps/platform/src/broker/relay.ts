import type { Database } from '@plimsoll/database'
import { entryKey, type LogEntry, type SharedLog } from '@plimsoll/eventlog'
import { type NewMessage, PubSub } from '@plimsoll/pubsub'
import { LogRelay } from '@plimsoll/pubsub/log-relay'
import type { Settings } from '../settings.ts'
import { brokerAddressOf } from './address.ts'
import { connectTo } from './connect.ts'

export interface BrokerRelay {
  /** Of the broker in series and in the console: its kind. */
  broker: string
  relay: LogRelay
}

export interface BrokerRelayOptions {
  settings: Pick<Settings, 'brokerUrl' | 'brokerTopic' | 'brokerFrom'>
  /** Where the log is. */
  database: Database
  shared: SharedLog
  onError(error: unknown): void
}

/**
 * What carries the log to a broker, not yet started; undefined when no broker is set.
 * @throws SettingError when its client library is not installed
 */
export async function brokerRelay(options: BrokerRelayOptions): Promise<BrokerRelay | undefined> {
  const { settings, database, shared, onError } = options
  const address = brokerAddressOf(settings.brokerUrl)
  if (!address) return undefined
  const connect = await connectTo(address)
  await LogRelay.migrate(database)
  const { brokerTopic: topic, brokerFrom: from } = settings
  const relay = new LogRelay({
    // Of the topic and not of the address: a broker that is replaced gets what the one before it has not.
    name: `broker/${topic}`,
    log: shared,
    database,
    connect: async () => new PubSub({ broker: await connect(), source: '/telemetry' }),
    topic,
    message: messageOf,
    from,
    onError
  })
  return { broker: address.kind, relay }
}

/** What subscribers get as data. */
export interface PublishedEvent {
  project: string
  /** Unique within the project. */
  id: string
  session: string | null
  /** The app's own id of its user: opaque, and all that is known of a person here. */
  user: string | null
  recordedAt: string
  /** Its place in the log, as answers to writes have it. */
  position: string
  /** What the client sent with it. */
  data: unknown
}

/**
 * `change`, which read models are made of, stays: its form is the log's own. Two projects may have events and sessions of one
 * id, and a broker or an inbox that knows the id would drop the second: so both ids are said together with the project.
 */
export function messageOf(entry: LogEntry): NewMessage<PublishedEvent> {
  const { tenant: project, id, type, time, stream, subject, recordedAt, xid, position, data } = entry
  return {
    id: entryKey(project, id),
    ...(stream === null ? {} : { key: entryKey(project, stream) }),
    type,
    time,
    data: {
      project,
      id,
      session: stream,
      user: subject,
      recordedAt: new Date(recordedAt).toISOString(),
      position: `${xid}.${position}`,
      data
    }
  }
}
