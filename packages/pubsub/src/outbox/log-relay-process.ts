import { open } from '@plimsoll/database'
import { SharedLog } from '@plimsoll/eventlog'
import { logBroker } from '../adapters/log/log.ts'
import { PubSub } from '../pubsub.ts'
import { LogRelay } from './log-relay.ts'

/** A relay in a process of its own, made to be killed: it says each batch that is in the broker before it moves its place. */
const database = await open(process.argv[2]!)
const broker = logBroker({ database, partitions: 4 })
const publish = broker.publish
broker.publish = async (topic, messages) => {
  await publish(topic, messages)
  process.stdout.write('page\n')
}
await new LogRelay({
  name: 'relay',
  log: new SharedLog(database),
  database,
  connect: async () => new PubSub({ broker, source: '/telemetry' }),
  topic: 'entries',
  message: ({ id, stream, type, time, data }) => ({ id, key: stream!, type, time, data }),
  batch: 7
}).start()
