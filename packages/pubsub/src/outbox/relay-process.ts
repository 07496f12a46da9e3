import { open } from '@plimsoll/database'
import { EventStore } from '@plimsoll/eventlog'
import { logBroker } from '../adapters/log/log.ts'
import { PubSub } from '../pubsub.ts'
import { OutboxRelay } from './outbox.ts'

/** A relay in a process of its own, made to be killed: it says each page that is in the broker before it moves its place. */
const database = await open(process.argv[2]!)
const store = new EventStore({ database })
const broker = logBroker({ database, partitions: 4 })
const publish = broker.publish
broker.publish = async (topic, messages) => {
  await publish(topic, messages)
  process.stdout.write('page\n')
}
new OutboxRelay({
  store,
  pubsub: new PubSub({ broker, source: '/orders' }),
  name: 'relay',
  topic: 'orders',
  batch: 7
}).start()
