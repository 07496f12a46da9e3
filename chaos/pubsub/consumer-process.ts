import { setTimeout as nap } from 'node:timers/promises'
import { open } from '@plimsoll/database'
import { PubSub } from '@plimsoll/pubsub'
import { brokers } from './brokers.ts'
import { type ConsumerOrder, leaseMs, topic } from './order.ts'

/** A member of a group that writes what it handles into a table of its database. It ends in order when it is told to. */
const { broker: name, url, databaseUrl, group } = JSON.parse(process.argv[2]!) as ConsumerOrder

process.on('disconnect', () => process.exit(1))
const told = new Promise<void>(resolve => process.on('message', () => resolve()))

for (;;) {
  try {
    await live()
    process.exit(0)
  } catch {
    // The broker or the database may be dead just now.
    await nap(50)
  }
}

async function live(): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const database = await open(databaseUrl)
  stack.defer(() => database.close())
  const broker = await brokers[name].connect(url, async () => database)
  stack.defer(() => broker.close())
  const pubsub = new PubSub({ broker, database, source: '/chaos' })
  const subscription = await pubsub.subscribe(
    topic,
    group,
    async (message, { tx }) => {
      await tx.query('insert into effects (grp, id, key, n) values ($1, $2, $3, $4)', [
        group,
        message.id,
        message.key,
        (message.data as { n: number }).n
      ])
    },
    { leaseMs, batch: 5, backoff: { firstMs: 50, maxMs: 500 }, worldBackoff: { firstMs: 20, maxMs: 500 } }
  )
  process.send?.('subscribed')
  await told
  await subscription.drain()
}
