import { randomUUIDv7 } from 'node:crypto'
import { type Database, open } from '@plimsoll/database'
import { EventStore } from '@plimsoll/eventlog'
import { openEmmett, type Peer } from './eventlog/emmett.ts'
import { catchUp, project, readRareCategory, stateOfLongStream } from './eventlog/ours.ts'
import { openRaw } from './eventlog/raw.ts'
import { inTurns, rate } from './eventlog/turns.ts'
import { atLeast, atMost, type Result, type RunOptions } from './form.ts'
import { startOwnPostgres } from './own-postgres.ts'

/**
 * The event store beside Emmett, each in a database of its own, and raw inserts of the same row into a table with the same key
 * and index, all on one PostgreSQL: the one of PLIMSOLL_DATABASE_URL, or one that is started for the run.
 */
export async function eventlog(options: RunOptions): Promise<Result> {
  const given = process.env.PLIMSOLL_DATABASE_URL
  const server = given ? { url: given, stop: () => undefined } : await startOwnPostgres()
  const names = ['ours', 'emmett'].map(name => `bench_${name}_${Date.now()}`)
  const admin = await open(server.url, { poolSize: 1 })
  try {
    for (const name of names) await admin.exec(`create database ${name}`)
    const [ourUrl, emmettUrl] = names.map(name => Object.assign(new URL(server.url), { pathname: `/${name}` }).href)
    const database = await open(ourUrl!, { poolSize: 16 })
    const emmett = await openEmmett(emmettUrl!)
    try {
      return await measure(database, emmett, options)
    } finally {
      await emmett.close()
      await database.close()
    }
  } finally {
    for (const name of names) await admin.exec(`drop database if exists ${name} with (force)`)
    await admin.close()
    server.stop()
  }
}

let n = 0
const fresh = () => `order/${randomUUIDv7()}`
const event = () => ({
  type: 'order.placed' as const,
  data: { orderId: n++, item: 'anchor, 20 kg', quantity: 2, price: { amount: 49.9, currency: 'EUR' } }
})
const events = (count: number) => Array.from({ length: count }, event)
const expected = 'none' as const

async function measure(database: Database, emmett: Peer, { quick, note }: RunOptions): Promise<Result> {
  await EventStore.migrate(database)
  const store = new EventStore({ database })
  const raw = await openRaw(database)
  const [turnMs, turns] = quick ? [400, 3] : [700, 6]
  await store.append('rare/1', [event()], { expected })

  const one = {
    raw: rate(16, 1, () => raw.insertOne(fresh(), 'order.placed', event().data)),
    ours: rate(16, 1, () => store.append(fresh(), [event()], { expected })),
    emmett: rate(16, 1, () => emmett.append(fresh(), [event()])),
    ownTransaction: rate(16, 1, () => database.transaction(tx => store.append(fresh(), [event()], { expected, tx }))),
    oneCaller: rate(1, 1, () => store.append(fresh(), [event()], { expected })),
    emmettOneCaller: rate(1, 1, () => emmett.append(fresh(), [event()]))
  }
  const hundred = {
    raw: rate(4, 100, () => raw.insertMany(fresh(), events(100))),
    ours: rate(4, 100, () => store.append(fresh(), events(100), { expected })),
    emmett: rate(4, 100, () => emmett.append(fresh(), events(100)))
  }
  const timed = <Name extends string>(ways: Record<Name, (ms: number) => Promise<number>>) =>
    Object.fromEntries(
      Object.entries<(ms: number) => Promise<number>>(ways).map(([name, run]) => [name, () => run(turnMs)])
    ) as Record<Name, () => Promise<number>>
  const appendOne = await inTurns(turns, timed(one), note)
  const append100 = await inTurns(turns, timed(hundred), note)

  // A log of the same events in both, long enough to be followed for some seconds.
  const long = fresh()
  await Promise.all([store.append(long, events(1_000), { expected }), emmett.append(long, events(1_000))])
  const followed = quick ? 50_000 : 100_000
  for (let i = 0; i < followed / 500; i++) {
    const stream = fresh()
    const same = events(500)
    await Promise.all([store.append(stream, same, { expected }), emmett.append(stream, same)])
  }
  await store.append('rare/2', [event()], { expected })
  await Promise.all([database.exec('vacuum analyze events.events'), emmett.analyze()])

  const read = await inTurns(
    turns,
    timed({
      ours: rate(1, 1, async () => (await Array.fromAsync(store.readStreamPages(long))).flat()),
      emmett: rate(1, 1, () => emmett.readStream(long))
    }),
    note
  )
  const few = quick ? 2_000 : 5_000
  const follow = await inTurns(
    quick ? 2 : 3,
    {
      ours: () => catchUp(store, followed),
      emmett: () => emmett.catchUp(quick ? 10_000 : 20_000),
      projectionPages: () => project(store, followed, 'applyAll'),
      projection: () => project(store, few, 'apply'),
      emmettProjection: () => emmett.project(few)
    },
    note
  )
  const state = await stateOfLongStream(store, quick ? 20_000 : 100_000)
  const rare = await readRareCategory(store)
  await store.close()
  return {
    figures: { appendOne, append100, readStreamOf1000: read, follow, state, rareCategoryMs: rare },
    aims: [
      atLeast(
        'append one, 16 callers, beside a raw insert on 16 connections',
        appendOne.ours / appendOne.raw,
        0.7,
        'of raw'
      ),
      atLeast('append 100, 4 callers, beside a raw unnest of 100', append100.ours / append100.raw, 0.6, 'of raw'),
      atLeast('read a stream of 1,000, beside Emmett', read.ours / read.emmett, 2, 'times'),
      atLeast('catch up, beside Emmett', follow.ours / follow.emmett, 2, 'times'),
      atLeast('catch up', follow.ours, 100_000, 'events/s'),
      atLeast(
        'projection, one statement an event, beside Emmett',
        follow.projection / follow.emmettProjection,
        2,
        'times'
      ),
      atMost(
        `state of a stream of ${quick ? '20,000' : '100,000'} with snapshots, 95th percentile`,
        state.p95,
        10,
        'ms'
      ),
      atMost('read a category that is rare in the log', rare, 50, 'ms')
    ],
    table: tableOf({ appendOne, append100, read, follow }, state, rare)
  }
}

function tableOf(
  rates: Record<string, Record<string, number>>,
  state: Record<string, number>,
  rareMs: number
): string[] {
  const titles: Record<string, string> = {
    appendOne: 'append one, events/s',
    append100: 'append 100, 4 callers, events/s',
    read: 'read a stream of 1,000, reads/s',
    follow: 'follow the log, events/s'
  }
  const figures = (values: Record<string, number>) =>
    Object.entries(values)
      .map(([name, value]) => `${name} ${Math.round(value).toLocaleString('en-GB')}`)
      .join('   ')
  return [
    ...Object.entries(rates).map(([name, values]) => `  ${titles[name]!.padEnd(34)} ${figures(values)}`),
    `  ${'state of a long stream, ms (without, and with, snapshots)'.padEnd(34)} ${Object.entries(state)
      .map(([name, ms]) => `${name} ${ms.toFixed(1)}`)
      .join('   ')}`,
    `  ${'read a rare category, ms'.padEnd(34)} ${rareMs.toFixed(1)}`
  ]
}
