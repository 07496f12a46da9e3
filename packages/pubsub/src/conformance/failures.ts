import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Database, open } from '@plimsoll/database'
import { type Scratch, scratchDatabase } from '@plimsoll/database/testing'
import { PubSub } from '../pubsub.ts'
import { engineCases } from './engine.ts'
import { type Bench, effectsOf, inOrder, insist, makeEffects, numbered, record, until } from './under-test.ts'

const keys = ['a', 'b', 'c', 'd', 'e', 'f']

export interface Reach {
  /** The broker is a process that can be killed: `engine` is there. */
  engine: boolean
  /** There is a way to it that can be cut: `network` is there. */
  network: boolean
}

export function failureCases(bench: () => Bench, reach: Reach): void {
  consumerCases(bench)
  if (reach.engine) engineCases(bench)
  if (reach.network) networkCases(bench)
}

function consumerCases(bench: () => Bench): void {
  it('kill -9 of a consumer in mid-flight, again and again: each message once, each key in order', async () => {
    const scratch = await scratchDatabase()
    const topic = bench().topic()
    try {
      await publishAlone(bench(), scratch, topic)
      for (let kill = 0; kill < 2; kill++) await killConsumer(bench(), scratch, topic, 15 + kill * 20)
      await finishAlone(bench(), scratch, topic)
    } finally {
      await scratch.remove()
    }
  })
}

function networkCases(bench: () => Bench): void {
  it('a network that is cut and mended costs nothing but time', async () => {
    const network = bench().under.network!
    const topic = bench().topic()
    const broker = await network.connect()
    try {
      const pubsub = bench().on(broker)
      const subscription = await bench().collect(topic, 'g', { pubsub })
      await pubsub.publish(topic, numbered(6, keys))
      await bench().done(topic, 'g', 6)
      await network.cut()
      const during = insist(() => pubsub.publish(topic, numbered(6, keys, 1)))
      // The other way in still works: the consumer behind the cut sees nothing of it yet.
      await bench().pubsub.publish(topic, { id: 'outside', type: 'a', data: { n: 0 } })
      await network.mend()
      await during
      const effects = await bench().done(topic, 'g', 13)
      assert.equal(effects.length, 13)
      inOrder(effects.filter(({ key }) => key !== null))
      await subscription.drain()
    } finally {
      await network.mend()
      await broker.close()
    }
  })

  it('comes back from a network that was cut while it was idle', async () => {
    const network = bench().under.network!
    const topic = bench().topic()
    const broker = await network.connect()
    try {
      const subscription = await bench().collect(topic, 'g', { pubsub: bench().on(broker) })
      await bench().pubsub.publish(topic, numbered(2, ['k']))
      await bench().done(topic, 'g', 2)
      await network.cut()
      await bench().pubsub.publish(topic, numbered(2, ['k'], 2))
      await network.mend()
      inOrder(await bench().done(topic, 'g', 4))
      await subscription.drain()
    } finally {
      await network.mend()
      await broker.close()
    }
  })
}

async function withDatabase<T>(scratch: Scratch, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await open(scratch.url)
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}

/** Publishes with nobody else in the database: an embedded one has room for one process. */
async function publishAlone(bench: Bench, scratch: Scratch, topic: string): Promise<void> {
  await withDatabase(scratch, async database => {
    await PubSub.migrate(database)
    await makeEffects(database)
    const broker = await bench.under.connect(database)
    await broker.topic(topic)
    await broker.group(topic, 'g')
    const pubsub = new PubSub({ broker, source: '/test' })
    await pubsub.publish(topic, numbered(120, keys))
    await broker.close()
  })
}

async function killConsumer(bench: Bench, scratch: Scratch, topic: string, afterLines: number): Promise<void> {
  const { module, argument } = bench.under.process
  const program = fileURLToPath(new URL('./consumer-process.ts', import.meta.url))
  // In mid-flight until it is killed, with enough left for the next.
  const mostLines = String(afterLines + 10)
  const told = [scratch.url, module.href, JSON.stringify(argument), topic, 'g', mostLines]
  const child = spawn(process.execPath, [program, ...told], { stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = once(child, 'exit')
  await linesOf(child, afterLines)
  child.kill('SIGKILL')
  await exited
}

function linesOf(child: ChildProcess, count: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let seen = 0
  let said = ''
  child.stderr!.on('data', chunk => {
    said = (said + chunk).slice(-2_000)
  })
  child.stdout!.on('data', chunk => {
    seen += String(chunk).split('\n').length - 1
    if (seen >= count) resolve()
  })
  child.once('exit', () => reject(new Error(`the consumer ended by itself: ${said}`)))
  return promise
}

async function finishAlone(bench: Bench, scratch: Scratch, topic: string): Promise<void> {
  await withDatabase(scratch, async database => {
    const broker = await bench.under.connect(database)
    const pubsub = new PubSub({ broker, database, source: '/test' })
    await pubsub.subscribe(topic, 'g', (message, context) => record(`${topic}/g`, message, context), { leaseMs: 500 })
    await until('all of them', async () => (await effectsOf(database, `${topic}/g`)).length >= 120)
    const effects = await effectsOf(database, `${topic}/g`)
    assert.equal(effects.length, 120)
    inOrder(effects)
    await pubsub.close()
    await broker.close()
  })
}
