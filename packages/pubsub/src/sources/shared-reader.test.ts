import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openScratch } from '@plimsoll/database/testing'
import { logBroker, migrateLogBroker } from '../adapters/log/log.ts'
import type { Delivery } from '../broker.ts'
import { until } from '../conformance/under-test.ts'
import { PubSub } from '../pubsub.ts'
import { type PartitionLog, positionalBroker } from './positional.ts'

describe('groups that read together', () => {
  it('five groups cost the log one read of the data', async () => {
    const database = await openScratch()
    await migrateLogBroker(database)
    await PubSub.migrate(database)
    const broker = logBroker({ database, partitions: 4 })
    const pubsub = new PubSub({ broker, database, source: '/test' })
    const groups = ['a', 'b', 'c', 'd', 'e']
    const handled = new Map(groups.map(group => [group, 0]))
    for (const group of groups) {
      const count = async () => void handled.set(group, handled.get(group)! + 1)
      await pubsub.subscribe('t', group, count, { batch: 100 })
    }
    for (let i = 0; i < 10; i++) {
      const messages = Array.from({ length: 200 }, (_, n) => ({ key: `k${n % 20}`, type: 'a', data: { i, n } }))
      await pubsub.publish('t', messages)
    }
    await until('all of them, five times', () => groups.every(group => handled.get(group) === 2_000))
    const { messages, given } = broker.statistics()
    assert.equal(given, 10_000)
    assert.ok(messages <= 2_200, `${messages} messages were read for ${given} given`)
    await pubsub.close()
    await broker.close()
    await database.close()
  })

  const delivery = (n: number): Delivery => ({
    envelope: { id: `m${n}`, key: null, partition: 0, attributes: {}, headers: {}, data: new Uint8Array(500) },
    position: String(n).padStart(6, '0'),
    publishedAt: n
  })
  const all = Array.from({ length: 500 }, (_, n) => delivery(n + 1))
  const log: PartitionLog = {
    pollMs: 5,
    onNews: () => () => undefined,
    read: async (_topic, _partition, after, limit) => {
      const from = after === null ? 0 : Number(after)
      return { deliveries: all.slice(from, from + Math.min(limit, 37)) }
    }
  }
  const place = { topic: 't', group: 'g', partition: 0 }

  it('each group gets all in order, whoever else reads, whatever the window holds', async () => {
    const broker = positionalBroker(log, { windowBytes: 20_000 })
    const read = async (limit: number, start: string | null) => {
      const source = await broker.open(place, { after: start, prefetch: limit })
      const got: string[] = []
      while (got.at(-1) !== '000500') {
        const deliveries = await source.next(limit, new AbortController().signal)
        assert.ok(deliveries.length <= limit)
        got.push(...deliveries.map(({ position }) => position!))
      }
      return got
    }
    const whole = all.map(({ position }) => position!)
    const reads = await Promise.all([read(10, null), read(1, null), read(100, null), read(7, '000250')])
    assert.deepEqual(reads.slice(0, 3), [whole, whole, whole])
    assert.deepEqual(reads[3], whole.slice(250))
    // One that comes late reads what is not kept any more by itself, and ends inside of what is kept.
    assert.deepEqual(await read(50, null), whole)
    broker.closeReaders()
  })

  it('reads the next page while somebody is at the last one, once, and keeps no more than it may', async () => {
    const asked: (string | null)[] = []
    const counted: PartitionLog = {
      ...log,
      read: async (_topic, _partition, after) => {
        asked.push(after)
        const from = after === null ? 0 : Number(after)
        return { deliveries: all.slice(from, from + 250) }
      }
    }
    const broker = positionalBroker(counted)
    const source = await broker.open(place, { after: null, prefetch: 100 })
    assert.deepEqual(asked, [null])
    await source.next(100, new AbortController().signal)
    await source.next(100, new AbortController().signal)
    assert.deepEqual(asked, [null, '000250'])
    broker.closeReaders()
    const small = positionalBroker(counted, { windowBytes: 20_000 })
    await (await small.open(place, { after: null, prefetch: 100 })).next(100, new AbortController().signal)
    assert.deepEqual(new Set(asked.slice(2)), new Set([null]))
    small.closeReaders()
  })

  it('gives nothing, and ends, when it is told to stop', async () => {
    const broker = positionalBroker(log)
    const source = await broker.open(place, { after: '000500', prefetch: 1 })
    const stop = new AbortController()
    const waiting = source.next(1, stop.signal)
    stop.abort()
    assert.deepEqual(await waiting, [])
    broker.closeReaders()
  })
})
