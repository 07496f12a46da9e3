import { randomUUID } from 'node:crypto'
import type { Database } from '@plimsoll/database'
import { PubSub } from '@plimsoll/pubsub'
import { logBroker, migrateLogBroker } from '@plimsoll/pubsub/log'
import { countdown, data, type Rival, times } from './rival.ts'

export async function ours(_url: string, database: Database): Promise<Rival> {
  await migrateLogBroker(database)
  await PubSub.migrate(database)
  const broker = logBroker({ database })
  const pubsub = new PubSub({ broker, database, source: '/bench' })
  let begun = 0
  let published = 0
  let mark = 0
  return {
    name: 'plimsoll',
    load: 10,
    publish(count, _groups, ids = false) {
      const messages = times(count, i => ({
        key: `customer-${(published + i) % 1_000}`,
        type: 'order.placed',
        data,
        ...(ids && { id: randomUUID() })
      }))
      published += count
      return pubsub.publish('bench', messages)
    },
    async clear() {
      mark = Date.now()
    },
    async consume(count, batch, groups, handled) {
      const { done, one } = countdown(count * groups)
      const handler = async () => {
        handled(1)
        one()
      }
      // The last `count` messages only: what was published before them was measured before.
      const options = { batch, prefetch: 1_000, concurrency: 8, from: { time: mark } }
      const subscriptions = await Promise.all(
        times(groups, () => pubsub.subscribe('bench', `g${++begun}`, handler, options))
      )
      await done
      await Promise.all(subscriptions.map(subscription => subscription.drain()))
    },
    close: async () => {
      await pubsub.close()
      await broker.close()
    }
  }
}
