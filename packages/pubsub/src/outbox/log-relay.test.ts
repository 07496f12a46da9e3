import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomUUIDv7 } from 'node:crypto'
import { once } from 'node:events'
import { describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Database, open } from '@plimsoll/database'
import { scratchDatabase } from '@plimsoll/database/testing'
import { append, headOf, migrateLog, SharedLog } from '@plimsoll/eventlog'
import { readWholeLog } from '@plimsoll/eventlog/testing'
import { type LogBroker, logBroker, migrateLogBroker } from '../adapters/log/log.ts'
import { inOrder, until } from '../conformance/under-test.ts'
import { type Message, MessageTooLargeError, PubSub } from '../index.ts'
import { LogRelay, type LogRelayOptions } from './log-relay.ts'

const sessions = Array.from({ length: 3 }, () => randomUUIDv7())

/** `count` entries of each session, which number themselves from `from` on. */
async function appendTo(database: Database, count: number, from = 0): Promise<void> {
  for (let n = from; n < from + count; n++) {
    const entries = sessions.map(stream => ({
      tenant: 'shop',
      id: randomUUIDv7(),
      type: 'used',
      time: 1_700_000_000_000 + n,
      stream,
      subject: 'user',
      digest: '1',
      data: JSON.stringify({ n }),
      change: '[null,null]'
    }))
    await database.transaction(tx => append(tx, entries))
  }
}

/** A log, and beside it the broker that is the same database. What is opened last is closed first. */
async function scene(t: TestContext, before?: Awaited<ReturnType<typeof scratchDatabase>>) {
  const scratch = before ?? (await scratchDatabase())
  const database = await open(scratch.url)
  await migrateLog(database)
  await migrateLogBroker(database)
  await PubSub.migrate(database)
  await LogRelay.migrate(database)
  const broker = logBroker({ database, partitions: 4 })
  const closing: (() => Promise<unknown>)[] = [() => scratch.remove(), () => database.close(), () => broker.close()]
  t.after(async () => {
    for (const close of closing.reverse()) await close()
  })
  const shared = new SharedLog(database)
  const relay = (over: Partial<LogRelayOptions> = {}) => {
    const made = new LogRelay({
      name: 'relay',
      log: shared,
      database,
      // Closed by the scene, since others use it too.
      connect: async () => new PubSub({ broker: { ...broker, close: async () => undefined }, source: '/telemetry' }),
      topic: 'entries',
      message: ({ id, stream, type, time, data }) => ({ id, key: stream!, type, time, data }),
      paceMs: 1,
      watchMs: 5,
      backoff: { firstMs: 2, maxMs: 10 },
      ...over
    })
    closing.push(() => made.stop())
    return made
  }
  return { database, broker, relay, got: await collected(database, broker, closing) }
}

/** Follows the topic into a list: each message that a subscriber handles. */
async function collected(
  database: Database,
  broker: LogBroker,
  closing: (() => Promise<unknown>)[]
): Promise<Message[]> {
  const got: Message[] = []
  const pubsub = new PubSub({ broker, database, source: '/reader' })
  closing.push(() => pubsub.close())
  await pubsub.subscribe('entries', 'reader', async message => void got.push(message), { batch: 50 })
  return got
}

const effectsOf = (messages: readonly Message[]) =>
  messages.map(({ id, key, data }) => ({ id, key, n: (data as { n: number }).n, attempt: 1 }))

/** Until its place is the end of the log, and nothing has failed since. */
const carried = (database: Database, relay: LogRelay) =>
  until('the relay is through', async () => {
    const { cursor, status } = relay.state
    return cursor.position === (await headOf(database)).position && status === 'running'
  })

describe('the relay of a telemetry log', () => {
  it('publishes all that is there and all that comes, in the order of each key', async t => {
    const { database, relay, got } = await scene(t)
    await appendTo(database, 5)
    const carrying = relay()
    assert.equal(carrying.state.up, undefined)
    await carrying.start()
    await until('what was there', () => got.length === 15)
    await appendTo(database, 5, 5)
    await until('what came', () => got.length === 30)
    inOrder(effectsOf(got))
    await carried(database, carrying)
    const { up, status, published, attempts, error } = carrying.state
    assert.deepEqual([up, status, published, attempts, error], [true, 'running', 30, 0, null])
  })

  it('begins at the end if it is told to, once', async t => {
    const { database, relay, got } = await scene(t)
    await appendTo(database, 4)
    const first = relay({ from: 'end' })
    await first.start()
    await first.stop()
    await appendTo(database, 2, 4)
    const second = relay({ from: 'end' })
    await second.start()
    await carried(database, second)
    await until('what came after its first start', () => got.length >= 6)
    assert.deepEqual(
      [...new Set(effectsOf(got).map(({ n }) => n))].sort(),
      [4, 5],
      'and nothing of what was there before'
    )
  })

  it('a broker that is away holds up nobody; one batch is tried, later and later, one try at a time', async t => {
    const { database, broker, relay, got } = await scene(t)
    let down = true
    let trying = 0
    let most = 0
    const sizes = new Set<number>()
    const { publish } = broker
    const carrying = relay({
      batch: 6,
      connect: async () =>
        new PubSub({
          source: '/telemetry',
          broker: {
            ...broker,
            close: async () => undefined,
            async publish(topic, messages) {
              most = Math.max(most, ++trying)
              sizes.add(messages.length)
              await new Promise(resolve => setImmediate(resolve))
              trying--
              if (down) throw new Error('down')
              await publish(topic, messages)
            }
          }
        })
    })
    await carrying.start()
    await appendTo(database, 10)
    await until('some tries', () => carrying.state.attempts >= 5)
    const { status, up, error, cursor, published } = carrying.state
    assert.deepEqual([status, up, error, cursor.position, published], ['waiting', false, 'down', 0, 0])
    down = false
    await until('all of them', () => got.length === 30)
    inOrder(effectsOf(got))
    await carried(database, carrying)
    assert.deepEqual([carrying.state.status, carrying.state.up, most], ['running', true, 1])
    assert.ok(Math.max(...sizes) <= 6, `${[...sizes]}`)
  })

  it('knows of an idle broker that it went, and that it is back', async t => {
    const { broker, relay } = await scene(t)
    let down = false
    const carrying = relay({
      connect: async () =>
        new PubSub({
          source: '/telemetry',
          broker: { ...broker, close: async () => undefined, ping: async () => assert.ok(!down, 'it is away') }
        })
    })
    await carrying.start()
    await until('it answers', () => carrying.state.up === true)
    down = true
    await until('it is away', () => carrying.state.up === false)
    assert.match(carrying.state.error ?? '', /it is away/)
    down = false
    await until('it is back', () => carrying.state.up === true && carrying.state.status === 'running')
  })

  it('starts without its broker, and connects when that is there', async t => {
    const { database, broker, relay, got } = await scene(t)
    let tries = 0
    const carrying = relay({
      async connect() {
        if (++tries < 4) throw new Error('not there yet')
        return new PubSub({ broker: { ...broker, close: async () => undefined }, source: '/telemetry' })
      }
    })
    await carrying.start()
    await appendTo(database, 3)
    await until('all of them', () => got.length === 9)
    assert.equal(tries, 4)
  })

  it('publishes again what was not confirmed, and a subscriber handles it once', async t => {
    const { database, broker, relay, got } = await scene(t)
    let calls = 0
    const { publish } = broker
    broker.publish = async (topic, messages) => {
      await publish(topic, messages)
      if (++calls % 2 === 1) throw new Error('the answer was lost')
    }
    const carrying = relay({ batch: 4 })
    await appendTo(database, 8)
    await carrying.start()
    await until('all of them', () => got.length >= 24)
    await carried(database, carrying)
    assert.equal(got.length, 24)
    inOrder(effectsOf(got))
  })

  it('stands before a message that the broker will not take, and says that it answers', async t => {
    const { database, broker, relay } = await scene(t)
    const refusing: typeof broker.publish = async () => {
      throw new MessageTooLargeError('x', 2, 1)
    }
    const carrying = relay({
      connect: async () =>
        new PubSub({
          source: '/telemetry',
          broker: { ...broker, publish: refusing, ping: async () => undefined, close: async () => undefined }
        })
    })
    await carrying.start()
    await until('it answers', () => carrying.state.up === true)
    await appendTo(database, 1)
    await until('some tries', () => carrying.state.attempts >= 2)
    const { up, status, cursor, error } = carrying.state
    assert.deepEqual([up, status, cursor.position], [true, 'waiting', 0])
    assert.match(error ?? '', /the broker takes 1/)
  })

  it('goes on after kill -9 where it was', async t => {
    const scratch = await scratchDatabase()
    const database = await open(scratch.url)
    await migrateLog(database)
    await migrateLogBroker(database)
    await LogRelay.migrate(database)
    await appendTo(database, 30)
    // A batch that the horizon cuts is no batch of seven.
    await readWholeLog(database)
    await database.close()
    await killedAfter(scratch.url, 4)
    const { database: again, relay, got } = await scene(t, scratch)
    await until('some of before', () => got.length >= 28)
    const carrying = relay()
    await carrying.start()
    await until('all of them', () => got.length >= 90)
    await carried(again, carrying)
    assert.ok(carrying.state.published <= 90 - 21, `${carrying.state.published} again`)
    assert.equal(got.length, 90)
    inOrder(effectsOf(got))
  })
})

async function killedAfter(url: string, batches: number): Promise<void> {
  const program = fileURLToPath(new URL('./log-relay-process.ts', import.meta.url))
  const child = spawn(process.execPath, [program, url], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  let seen = 0
  for await (const chunk of child.stdout) {
    seen += String(chunk).split('\n').length - 1
    if (seen >= batches) break
  }
  child.kill('SIGKILL')
  await exited
  assert.ok(seen >= batches, 'the relay ended by itself')
}
