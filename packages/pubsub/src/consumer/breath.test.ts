import assert from 'node:assert/strict'
import { it } from 'node:test'
import { openScratch } from '@plimsoll/database/testing'
import { systemClock } from '@plimsoll/resilience'
import { logBroker, migrateLogBroker } from '../adapters/log/log.ts'
import { until } from '../conformance/under-test.ts'
import { PubSub } from '../pubsub.ts'

it('handlers that wait for nothing let the process breathe, within a batch too', async () => {
  const database = await openScratch()
  await migrateLogBroker(database)
  await PubSub.migrate(database)
  const broker = logBroker({ database, partitions: 1 })
  const pubsub = new PubSub({ broker, database, source: '/test' })
  // Each takes as long as a breath is apart: by this clock alone.
  let now = 0
  const clock = { ...systemClock, now: () => now }
  let turns = 0
  let handled = 0
  const seen = new Set<number>()
  const turn = () => {
    turns++
    if (handled < 50) setImmediate(turn)
  }
  await pubsub.publish(
    't',
    Array.from({ length: 50 }, (_, n) => ({ key: 'k', type: 'a', data: n }))
  )
  await pubsub.subscribe(
    't',
    'g',
    async () => {
      if (handled === 0) turn()
      seen.add(turns)
      handled++
      now += 5
    },
    { batch: 50, clock }
  )
  await until('all of them', () => handled === 50)
  assert.ok(seen.size >= 49, `50 handlers in ${seen.size} turns of the event loop`)
  await pubsub.close()
  await broker.close()
  await database.close()
})
