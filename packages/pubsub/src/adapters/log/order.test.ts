import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Database, isTransient } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import { numbered, until } from '../../conformance/under-test.ts'
import { PubSub } from '../../pubsub.ts'
import { type LogBroker, logBroker, migrateLogBroker } from './log.ts'

describe('the log', () => {
  let database: Database
  let broker: LogBroker
  let pubsub: PubSub
  before(async () => {
    database = await openScratch()
    await migrateLogBroker(database)
    await PubSub.migrate(database)
    broker = logBroker({ database, partitions: 1 })
    pubsub = new PubSub({ broker, database, source: '/test' })
  })
  after(async () => {
    await pubsub.close()
    await broker.close()
    await database.close()
  })

  it('removes what is older than it is told, as many as it is told', async () => {
    await pubsub.publish('trimmed', numbered(10, ['k']))
    assert.equal(await broker.trim('trimmed', { before: Date.now() - 3_600_000, limit: 100 }), 0)
    const later = Date.now() + 3_600_000
    assert.equal(await broker.trim('trimmed', { before: later, limit: 4 }), 4)
    const left: unknown[] = []
    const subscription = await pubsub.subscribe('trimmed', 'g', async ({ data }) => void left.push(data))
    await until('what is left', () => left.length === 6)
    await subscription.drain()
    assert.deepEqual(
      left,
      numbered(10, ['k'])
        .slice(4)
        .map(({ data }) => data)
    )
    assert.equal(await broker.trim('trimmed', { before: later, limit: 100 }), 6)
    assert.deepEqual(await broker.lag({ topic: 'trimmed', group: 'g', partition: 0 }, null), {
      messages: 0,
      oldestAt: null
    })
  })

  it('a number of partitions is a topic’s for ever', async () => {
    await pubsub.publish('fixed', { type: 'a', data: 1 })
    assert.equal(await logBroker({ database, partitions: 64 }).topic('fixed'), 1)
  })

  // These need two transactions at once: there are none in an embedded engine.
  if (process.env.PLIMSOLL_DATABASE_URL) onServer()

  function onServer(): void {
    it('gives nothing that a slower transaction may still come before', async () => {
      await broker.topic('held')
      const begun = Promise.withResolvers<void>()
      const end = Promise.withResolvers<void>()
      const slow = database.transaction(async tx => {
        await pubsub.publish('held', { id: 'slow', key: 'k', type: 'a', data: 1 }, { tx })
        begun.resolve()
        await end.promise
      })
      await begun.promise
      await pubsub.publish('held', { id: 'fast', key: 'k', type: 'a', data: 1 })
      const reader = logBroker({ database })
      await reader.open({ topic: 'held', group: 'g', partition: 0 }, { after: null, prefetch: 100 })
      assert.equal(reader.statistics().messages, 0)
      await reader.close()
      assert.equal((await broker.lag({ topic: 'held', group: 'g', partition: 0 }, null)).messages, 1)
      end.resolve()
      await slow
      const got: string[] = []
      await pubsub.subscribe('held', 'g', async ({ id }) => void got.push(id))
      await until('both', () => got.length === 2)
      assert.deepEqual(got, ['slow', 'fast'])
    })

    it('refuses a publish that would stand before what it may be an answer to', async () => {
      await broker.topic('inverted')
      await database.exec('create table if not exists notes (n int)')
      const old = database.transaction(async tx => {
        await tx.query('insert into notes values (1)')
        await pubsub.publish('inverted', { id: 'question', key: 'k', type: 'a', data: 1 })
        await pubsub.publish('inverted', { id: 'answer', key: 'k', type: 'a', data: 1 }, { tx })
      })
      await assert.rejects(old, isTransient)
      await database.transaction(async tx => {
        await pubsub.publish('inverted', { id: 'answer', key: 'k', type: 'a', data: 1 }, { tx })
      })
      const got: string[] = []
      await pubsub.subscribe('inverted', 'g', async ({ id }) => void got.push(id))
      await until('both', () => got.length === 2)
      assert.deepEqual(got, ['question', 'answer'])
    })

    it('a handler that only waits holds up no other group', async () => {
      const held = Promise.withResolvers<void>()
      const waiting = Promise.withResolvers<void>()
      await pubsub.subscribe('waited', 'slow', async () => {
        waiting.resolve()
        await held.promise
      })
      const got: string[] = []
      await pubsub.subscribe('waited', 'fast', async ({ id }) => void got.push(id))
      await pubsub.publish('waited', { id: 'first', key: 'k', type: 'a', data: 1 })
      await waiting.promise
      await pubsub.publish('waited', { id: 'second', key: 'k', type: 'a', data: 1 })
      await until('both, while the other waits', () => got.length === 2)
      held.resolve()
    })
  }
})
