import type { Broker } from '@plimsoll/pubsub'
import { gcpBroker } from '@plimsoll/pubsub/gcp'
import { kafkaBroker } from '@plimsoll/pubsub/kafka'
import { natsBroker } from '@plimsoll/pubsub/nats'
import { rabbitBroker } from '@plimsoll/pubsub/rabbitmq'
import { redisBroker } from '@plimsoll/pubsub/redis'
import { type BareClient, partitions } from './bare.ts'
import { bareGcp } from './gcp.ts'
import { bareKafka } from './kafka.ts'
import { bareNats } from './nats.ts'
import { bareRabbit } from './rabbitmq.ts'
import { bareRedis } from './redis.ts'

export interface Contender {
  name: string
  ours(url: string): Promise<Broker>
  bare(url: string): Promise<BareClient>
  /** How many messages are handled, of those of other brokers. Default all. */
  share?: number
  /** No group keeps what is only published. Default false: a broker may drop what nobody waits for. */
  unkept?: boolean
}

/** Messages of a partition that may wait in this process, on both sides. */
export const prefetch = 1_000

/** By the names of `deploy/engines`. */
export const contenders: Record<string, Contender> = {
  redis: { name: 'Redis Streams', ours: url => redisBroker({ url, partitions }), bare: bareRedis },
  nats: { name: 'NATS JetStream', ours: url => natsBroker({ url, partitions }), bare: bareNats },
  rabbitmq: {
    name: 'RabbitMQ',
    // Nothing is killed here that would forget a new queue. With all that the rounds publish kept, the server was seen to answer
    // nobody for over 5 s while its memory fell by half a gigabyte; the bare client waits for as long as that takes.
    ours: url => rabbitBroker({ url, partitions, credit: prefetch, settleMs: 0, timeoutMs: 60_000 }),
    bare: bareRabbit
  },
  kafka: { name: 'Kafka', ours: url => kafkaBroker({ url, partitions }), bare: bareKafka },
  'gcp-pubsub': {
    name: 'GCP Pub/Sub (fake)',
    ours: url => gcpBroker({ url, project: 'bench', partitions, ackDeadlineSeconds: 60 }),
    bare: bareGcp,
    // The fake looks through all that wait whenever it gives one.
    share: 0.1,
    unkept: true
  }
}
