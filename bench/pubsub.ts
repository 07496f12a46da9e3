import { type Database, open } from '@plimsoll/database'
import { PubSub } from '@plimsoll/pubsub'
import { type LogBroker, logBroker, migrateLogBroker } from '@plimsoll/pubsub/log'
import { makeWorkerUtils, run, type WorkerUtils } from 'graphile-worker'
import { PgBoss } from 'pg-boss'
import { atLeast, type Result, type RunOptions } from './form.ts'
import { startOwnPostgres } from './own-postgres.ts'

/**
 * The log of pubsub beside two queues on one PostgreSQL that is started for the run, synced commits for all. In turns, the
 * best of each. Published by 16 callers one by one, and in batches; then handled, one by one and in batches.
 */
export async function pubsub({ quick, note }: RunOptions): Promise<Result> {
  const server = await startOwnPostgres()
  const database = await open(server.url, { poolSize: 16 })
  const rivals: Rival[] = []
  try {
    for (const start of [ours, graphile, boss]) rivals.push(await start(server.url, database))
    return await measure(rivals, quick ? 1_000 : 2_000, quick ? 1 : 3, quick ? 6_000 : 20_000, note)
  } finally {
    for (const rival of rivals) await rival.close()
    await database.close()
    server.stop()
  }
}

interface Rival {
  name: string
  publish(count: number): Promise<unknown>
  /** Handles the `count` messages that were just published, `batch` at a time where it can. */
  consume(count: number, batch: number): Promise<void>
  /** Empties its queue of what was published before, so that it is measured at its best. */
  clear?(): Promise<unknown>
  close(): Promise<void>
}

const data = { item: 'anchor, 20 kg', quantity: 2, price: { amount: 49.9, currency: 'EUR' } }
const times = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i))

async function ours(_url: string, database: Database): Promise<Rival> {
  await migrateLogBroker(database)
  await PubSub.migrate(database)
  const broker: LogBroker = logBroker({ database })
  const pubsub = new PubSub({ broker, database, source: '/bench' })
  let groups = 0
  let published = 0
  return {
    name: 'plimsoll',
    publish(count) {
      const messages = times(count, i => ({ key: `customer-${(published + i) % 1_000}`, type: 'order.placed', data }))
      published += count
      return pubsub.publish('bench', messages)
    },
    async consume(count, batch) {
      const done = Promise.withResolvers<void>()
      let handled = 0
      const handler = async () => {
        if (++handled === count) done.resolve()
      }
      const group = `g${++groups}`
      const options = { batch, prefetch: 1_000, concurrency: 8, from: 'start' as const }
      // The last `count` messages only: what was published before them was measured before.
      const subscription = await pubsub.subscribe('bench', group, handler, { ...options, from: { time: mark } })
      await done.promise
      await subscription.drain()
    },
    close: async () => {
      await pubsub.close()
      await broker.close()
    }
  }
}

/** When the messages to be handled began to be published. */
let mark = 0

async function graphile(connectionString: string, database: Database): Promise<Rival> {
  const utils: WorkerUtils = await makeWorkerUtils({ connectionString, maxPoolSize: 16 })
  await utils.migrate()
  return {
    name: 'graphile-worker',
    publish: count =>
      count === 1
        ? utils.addJob('bench', data)
        : utils.addJobs(times(count, () => ({ identifier: 'bench', payload: data }))),
    async consume(count, batch) {
      const done = Promise.withResolvers<void>()
      let handled = 0
      const task = async () => {
        if (++handled === count) done.resolve()
      }
      // What its own documents recommend for speed: a local queue, and completions together.
      const fast = { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 }
      const preset = { worker: batch > 1 ? fast : {} }
      const runner = await run({
        connectionString,
        concurrency: batch > 1 ? 24 : 16,
        maxPoolSize: 16,
        noHandleSignals: true,
        pollInterval: 100,
        taskList: { bench: task },
        preset
      })
      await done.promise
      await runner.stop()
    },
    clear: () => database.exec('truncate graphile_worker._private_jobs, graphile_worker._private_job_queues'),
    close: async () => void (await utils.release())
  }
}

async function boss(connectionString: string): Promise<Rival> {
  const queue = new PgBoss({ connectionString, max: 16 })
  queue.on('error', () => undefined)
  await queue.start()
  await queue.createQueue('bench')
  return {
    name: 'pg-boss',
    publish: count =>
      count === 1
        ? queue.send('bench', data)
        : queue.insert(
            'bench',
            times(count, () => ({ data }))
          ),
    async consume(count, batch) {
      let handled = 0
      // Fetched as fast as it can be: its own worker would wait between looks.
      const worker = async () => {
        while (handled < count) {
          const jobs = await queue.fetch('bench', { batchSize: batch })
          if (jobs.length === 0) return
          await queue.complete(
            'bench',
            jobs.map(({ id }) => id)
          )
          handled += jobs.length
        }
      }
      await Promise.all(times(batch > 1 ? 4 : 16, worker))
    },
    clear: () => queue.deleteAllJobs('bench'),
    close: async () => void (await queue.stop({ graceful: false }))
  }
}

const publishWays = [
  { title: 'published one by one, 16 callers', callers: 16, count: 1 },
  { title: 'published in batches of 100, 4 callers', callers: 4, count: 100 },
  { title: 'published in batches of 1,000, 4 callers', callers: 4, count: 1_000 }
]
const consumeWays = [
  { title: 'handled one by one', batch: 1, share: 0.2 },
  { title: 'handled in batches', batch: 1_000, share: 1 }
]

async function measure(rivals: Rival[], turnMs: number, turns: number, load: number, note: RunOptions['note']) {
  const best: Record<string, number> = {}
  const keep = (title: string, rival: Rival, rate: number) => {
    const name = `${rival.name}: ${title}, messages/s`
    best[name] = Math.max(best[name] ?? 0, Math.round(rate))
    note(`${name}: ${best[name]}`)
  }
  for (let turn = 0; turn < turns; turn++) {
    for (const { title, callers, count } of publishWays) {
      for (const rival of rivals) keep(title, rival, await publishing(rival, callers, count, turnMs))
    }
  }
  for (let turn = 0; turn < turns; turn++) {
    for (const { title, batch, share } of consumeWays) {
      for (const rival of rivals) keep(title, rival, await consuming(rival, Math.round(load * share), batch))
    }
  }
  const ratio = (title: string) => {
    const of = (name: string) => best[`${name}: ${title}, messages/s`]!
    return of('plimsoll') / Math.max(of('graphile-worker'), of('pg-boss'))
  }
  const aims = [...publishWays, ...consumeWays].map(way => {
    const single = ('count' in way ? way.count : way.batch) === 1
    return atLeast(`${way.title}, beside the better of the two`, ratio(way.title), single ? 3 : 5, 'times')
  })
  return { figures: best, aims }
}

async function publishing(rival: Rival, callers: number, count: number, ms: number): Promise<number> {
  const began = performance.now()
  let published = 0
  await Promise.all(
    times(callers, async () => {
      while (performance.now() - began < ms) {
        await rival.publish(count)
        published += count
      }
    })
  )
  return (published * 1_000) / (performance.now() - began)
}

async function consuming(rival: Rival, count: number, batch: number): Promise<number> {
  await rival.clear?.()
  mark = Date.now()
  for (let left = count; left > 0; left -= 1_000) await rival.publish(Math.min(1_000, left))
  const began = performance.now()
  await rival.consume(count, batch)
  return (count * 1_000) / (performance.now() - began)
}
