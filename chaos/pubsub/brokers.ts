import type { EngineName } from '@plimsoll/bench'
import type { Database } from '@plimsoll/database'
import type { Broker } from '@plimsoll/pubsub'
import { gcpBroker } from '@plimsoll/pubsub/gcp'
import { kafkaBroker } from '@plimsoll/pubsub/kafka'
import { logBroker, migrateLogBroker } from '@plimsoll/pubsub/log'
import { natsBroker } from '@plimsoll/pubsub/nats'
import { rabbitBroker } from '@plimsoll/pubsub/rabbitmq'
import { redisBroker } from '@plimsoll/pubsub/redis'

/** How each broker is started, killed and reached. */

export interface BrokerUnderChaos {
  engine: EngineName
  /** Where its process number is, in the engine's folder; absent where nothing outlives a kill. */
  pidFile?: string
  /** From a kill to the next, at least: it takes its time to start, and must be there for a while, in milliseconds. */
  breathMs?: number
  connect(url: string, database: () => Promise<Database>): Promise<Broker>
}

const partitions = 6

export const brokers = {
  log: {
    engine: 'postgresql',
    pidFile: 'data/postmaster.pid',
    breathMs: 4_000,
    async connect(_url, database) {
      const own = await database()
      await migrateLogBroker(own)
      return logBroker({ database: own, partitions })
    }
  },
  redis: { engine: 'redis', pidFile: 'redis.pid', breathMs: 2_500, connect: url => redisBroker({ url, partitions }) },
  rabbitmq: {
    engine: 'rabbitmq',
    pidFile: 'rabbitmq.pid',
    breathMs: 11_000,
    connect: url => rabbitBroker({ url, partitions })
  },
  kafka: { engine: 'kafka', pidFile: 'kafka.pid', breathMs: 8_000, connect: url => kafkaBroker({ url, partitions }) },
  nats: { engine: 'nats', pidFile: 'nats.pid', breathMs: 2_500, connect: url => natsBroker({ url, partitions }) },
  // Google's fake keeps nothing: a kill of it would be a loss that the service does not have.
  gcp: {
    engine: 'gcp-pubsub',
    connect: url => gcpBroker({ url, project: 'chaos', partitions, ackDeadlineSeconds: 1 })
  }
} as const satisfies Record<string, BrokerUnderChaos>

export type BrokerName = keyof typeof brokers

export const isBroker = (name: string): name is BrokerName => Object.hasOwn(brokers, name)
