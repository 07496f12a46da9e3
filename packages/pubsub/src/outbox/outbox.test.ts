import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Database, open } from '@plimsoll/database'
import { scratchDatabase } from '@plimsoll/database/testing'
import { EventStore } from '@plimsoll/eventlog'
import { type LogBroker, logBroker, migrateLogBroker } from '../adapters/log/log.ts'
import { inOrder, until } from '../conformance/under-test.ts'
import { type Message, PubSub } from '../index.ts'
import { OutboxRelay, type OutboxRelayOptions } from './outbox.ts'

const streams = ['order/1', 'order/2', 'order/3']

async function appendTo(store: EventStore, count: number, from = 0): Promise<void> {
  for (let n = from; n < from + count; n++) {
    const parts = streams.map(stream => ({ stream, expected: n, events: [{ type: 'placed', data: { n } }] }))
    await store.appendAll(parts, { metadata: { correlationId: 'saga-1', traceparent: '00-a-b-01' } })
  }
}

async function withStore(
  work: (url: string, parts: { database: Database; store: EventStore; broker: LogBroker }) => Promise<void>
) {
  const scratch = await scratchDatabase()
  const database = await open(scratch.url)
  try {
    await EventStore.migrate(database)
    await migrateLogBroker(database)
    await PubSub.migrate(database)
    const store = new EventStore({ database })
    const broker = logBroker({ database, partitions: 4 })
    await work(scratch.url, { database, store, broker })
    await broker.close()
    await store.close()
  } finally {
    await database.close()
    await scratch.remove()
  }
}

/** Follows a topic into a list. */
async function collected(database: Database, broker: LogBroker): Promise<{ got: Message[]; end(): Promise<void> }> {
  const got: Message[] = []
  const pubsub = new PubSub({ broker, database, source: '/reader' })
  await pubsub.subscribe('orders', 'reader', async message => void got.push(message), { batch: 50 })
  return { got, end: () => pubsub.close() }
}

const effectsOf = (messages: readonly Message[]) =>
  messages.map(({ id, key, data }) => ({ id, key, n: (data as { n: number }).n, attempt: 1 }))

const quick: Pick<OutboxRelayOptions, 'backoff' | 'name' | 'topic'> = {
  name: 'relay',
  topic: 'orders',
  backoff: { firstMs: 2, maxMs: 10 }
}

describe('the outbox relay', () => {
  it('publishes each event with its id, its stream as the key, and what led to it', () =>
    withStore(async (_url, { database, store, broker }) => {
      const relay = new OutboxRelay({ ...quick, store, pubsub: new PubSub({ broker, source: '/orders' }) })
      relay.start()
      const { got, end } = await collected(database, broker)
      await appendTo(store, 5)
      await until('fifteen', () => got.length === 15)
      inOrder(effectsOf(got))
      const [event] = await Array.fromAsync(store.readStream('order/1'))
      const message = got.find(({ id }) => id === event!.id)!
      assert.equal(message.key, 'order/1')
      assert.equal(message.correlationId, 'saga-1')
      assert.equal(message.traceparent, '00-a-b-01')
      assert.equal(message.headers['stream-version'], '1')
      assert.equal(Math.floor(message.time), Math.floor(event!.recordedAt))
      await relay.stop()
      await end()
    }))

  it('a broker that is down blocks no write; the relay says how far it is behind, and catches up', () =>
    withStore(async (_url, { database, store, broker }) => {
      let down = true
      const { publish } = broker
      broker.publish = (topic, messages) => (down ? Promise.reject(new Error('down')) : publish(topic, messages))
      const relay = new OutboxRelay({ ...quick, store, pubsub: new PubSub({ broker, source: '/orders' }) })
      relay.start()
      await appendTo(store, 10)
      await until('some tries', () => relay.state.failures >= 3)
      assert.match(String(relay.state.error), /down/)
      const behind = await relay.lag()
      assert.equal(behind.readable + behind.held, 30)
      assert.ok(behind.ageMs > 0)
      const { got, end } = await collected(database, broker)
      down = false
      await until('all of them', () => got.length === 30)
      inOrder(effectsOf(got))
      await until('nothing left', async () => (await relay.lag()).readable === 0)
      await until('no failure left', () => relay.state.failures === 0)
      await relay.stop()
      await end()
    }))

  it('publishes again what was not confirmed, and a subscriber handles it once', () =>
    withStore(async (_url, { database, store, broker }) => {
      let calls = 0
      const { publish } = broker
      broker.publish = async (topic, messages) => {
        await publish(topic, messages)
        if (++calls % 2 === 1) throw new Error('the answer was lost')
      }
      const pubsub = new PubSub({ broker, source: '/orders' })
      const relay = new OutboxRelay({ ...quick, store, pubsub, batch: 4 })
      relay.start()
      const { got, end } = await collected(database, broker)
      await appendTo(store, 8)
      await until('the relay is through', async () => (await relay.lag()).readable === 0)
      await until('all of them', () => got.length >= 24)
      assert.equal(got.length, 24)
      inOrder(effectsOf(got))
      await relay.stop()
      await end()
    }))

  it('two of one name at once: each event once, in order', () =>
    withStore(async (_url, { database, store, broker }) => {
      const pubsub = new PubSub({ broker, source: '/orders' })
      const relays = [1, 2].map(() => new OutboxRelay({ ...quick, store, pubsub, batch: 3 }))
      for (const relay of relays) relay.start()
      const { got, end } = await collected(database, broker)
      await appendTo(store, 20)
      await until('all of them', () => got.length >= 60)
      assert.equal(got.length, 60)
      inOrder(effectsOf(got))
      await Promise.all(relays.map(relay => relay.stop()))
      await end()
    }))

  it('goes on after kill -9 where it was', async () => {
    const scratch = await scratchDatabase()
    const inDatabase = async (work: (database: Database) => Promise<void>) => {
      const database = await open(scratch.url)
      await work(database).finally(() => database.close())
    }
    try {
      await inDatabase(async database => {
        await EventStore.migrate(database)
        await migrateLogBroker(database)
        await PubSub.migrate(database)
        const store = new EventStore({ database })
        await appendTo(store, 30)
        // A batch that the horizon cuts is no batch of seven.
        await until('nothing held back', async () => (await store.lag()).held === 0)
      })
      await killedAfter(scratch.url, 4)
      await inDatabase(async database => {
        const broker = logBroker({ database, partitions: 4 })
        const relay = new OutboxRelay({
          ...quick,
          store: new EventStore({ database }),
          pubsub: new PubSub({ broker, source: '/o' })
        })
        const { got, end } = await collected(database, broker)
        await until('some of before', () => got.length >= 28)
        relay.start()
        await until('all of them', () => got.length >= 90)
        await until('nothing left', async () => (await relay.lag()).readable === 0)
        assert.equal(got.length, 90)
        inOrder(effectsOf(got))
        await relay.stop()
        await end()
        await broker.close()
      })
    } finally {
      await scratch.remove()
    }
  })
})

async function killedAfter(url: string, pages: number): Promise<void> {
  const program = fileURLToPath(new URL('./relay-process.ts', import.meta.url))
  const child = spawn(process.execPath, [program, url], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  let seen = 0
  for await (const chunk of child.stdout) {
    seen += String(chunk).split('\n').length - 1
    if (seen >= pages) break
  }
  child.kill('SIGKILL')
  await exited
  assert.ok(seen >= pages, 'the relay ended by itself')
}
