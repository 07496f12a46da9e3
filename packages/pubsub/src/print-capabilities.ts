import { gcpCapabilities } from './adapters/gcp-pubsub.ts'
import { kafkaCapabilities } from './adapters/kafka.ts'
import { logCapabilities } from './adapters/log/log.ts'
import { natsCapabilities } from './adapters/nats.ts'
import { rabbitCapabilities } from './adapters/rabbitmq.ts'
import { redisCapabilities } from './adapters/redis.ts'
import { capabilityTable } from './capabilities.ts'

/** Prints the table of the readme: `npm run capabilities -w @plimsoll/pubsub`. */
console.log(
  capabilityTable([
    logCapabilities,
    redisCapabilities,
    rabbitCapabilities,
    kafkaCapabilities,
    natsCapabilities,
    gcpCapabilities
  ])
)
