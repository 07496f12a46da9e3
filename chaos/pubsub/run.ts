import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as nap } from 'node:timers/promises'
import { startEngine } from '@plimsoll/bench'
import { type Database, open } from '@plimsoll/database'
import { PubSub } from '@plimsoll/pubsub'
import { play } from '../ingest/play.ts'
import { schedule } from '../ingest/schedule.ts'
import { type Account, accountOf, type Effect, roundsOf } from './account.ts'
import { type BrokerName, type BrokerUnderChaos, brokers } from './brokers.ts'
import { faultsOf } from './faults.ts'
import { Member, oneBehindTheOther } from './member.ts'
import { groups, keysOf } from './order.ts'

export interface BrokerRun {
  name: BrokerName
  published: number
  seconds: number
  /** Rounds of producers that did not end when all was mended. */
  unfinished: number
  groups: Record<string, Account>
  /** Consumers that did not end in order when they were told to. */
  notDrained: number
  /** Processes that ended by themselves, with the end of what they said. */
  collapses: string[]
  dead: number
  played: Record<string, number>
  failed: string[]
  /** Kinds that could be played and were not. */
  missed: string[]
  notPlayable: Record<string, string>
  /** From the end of the last fault until each group had all. */
  caughtUpSeconds: number
}

export interface RunSettings {
  lengthMs: number
  seed: number
  signal: AbortSignal
  note(line: string): void
}

/** How long all may take to come to rest when everything is mended, in milliseconds. */
const patienceMs = 60_000

/** How long a consumer may take to drain, in milliseconds. */
const drainMs = 20_000

/** One run on one broker: three producers, two groups of two members, in processes of their own. */
export async function runOn(name: BrokerName, { lengthMs, seed, signal, note }: RunSettings): Promise<BrokerRun> {
  await using stack = new AsyncDisposableStack()
  const broker: BrokerUnderChaos = brokers[name]
  const folder = await mkdtemp(join(tmpdir(), 'plimsoll-chaos-pubsub-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const postgres = await startEngine('postgresql')
  stack.defer(() => postgres.stop())
  const engine = broker.engine === 'postgresql' ? postgres : await startEngine(broker.engine)
  if (engine !== postgres) stack.defer(() => engine.stop())
  const database = await open(postgres.url)
  stack.defer(() => database.close())
  await PubSub.migrate(database)
  await database.exec(`create table effects (nth bigint generated always as identity, grp text not null, id text not null,
    key text not null, n int not null)`)

  const ways = { broker: name, url: engine.url, databaseUrl: postgres.url }
  const producers = ['p1', 'p2', 'p3'].map(producer => ({
    producer,
    journal: join(folder, producer),
    member: new Member(producer, 'producer-process.ts', {
      ...ways,
      name: producer,
      journal: join(folder, producer),
      paceMs: 30
    })
  }))
  const consumers = groups.flatMap(group =>
    [1, 2].map(n => new Member(`${group}-${n}`, 'consumer-process.ts', { ...ways, group }))
  )
  const members = [...producers.map(({ member }) => member), ...consumers]
  stack.defer(async () => void (await Promise.all(members.map(member => member.kill()))))

  // Before the producers: where a broker keeps no past, what is published before would not be theirs.
  for (const each of consumers) each.start()
  await Promise.all(consumers.map(each => each.ready()))
  for (const { member } of producers) member.start()
  await Promise.all(producers.map(({ member }) => member.ready()))

  const stage = {
    broker,
    engine,
    alone: oneBehindTheOther(),
    producers: producers.map(({ member }) => member),
    consumers
  }
  const faults = faultsOf(broker)
  const playable = faults.filter(fault => fault.missing?.(stage) === undefined)
  const planned = schedule({
    seed,
    lengthMs,
    kinds: playable,
    stormMs: lengthMs,
    quietMs: 500,
    gapMs: 1_500
  })
  const { played, failed } = await play(stage, planned, { seed, faults: playable, signal, note })
  note(`${name}: all is mended, the producers finish`)
  const mendedAt = performance.now()
  await Promise.all(producers.map(({ member }) => member.end(patienceMs)))
  const published = new Map<string, number>()
  let unfinished = 0
  for (const { producer, journal } of producers) {
    const { begun, done } = roundsOf(await readFile(journal, 'utf8').catch(() => ''))
    unfinished += begun - done
    for (const key of keysOf(producer)) published.set(key, begun)
  }
  const all = [...published.values()].reduce((sum, count) => sum + count, 0)
  await Promise.all(groups.map(group => caughtUp(database, group, all, signal)))
  const caughtUpSeconds = Math.round((performance.now() - mendedAt) / 100) / 10
  // What comes twice may still be on its way: each is drained, so nothing is handled behind the account.
  const drained = await Promise.all(consumers.map(each => each.end(drainMs)))
  const accounts = await Promise.all(
    groups.map(async group => [group, accountOf(published, await effectsOf(database, group))] as const)
  )
  const { rows: dead } = await database.query('select from pubsub.parked')
  return {
    name,
    published: all,
    seconds: lengthMs / 1_000,
    unfinished,
    groups: Object.fromEntries(accounts),
    notDrained: drained.filter(inTime => !inTime).length,
    collapses: members.flatMap(({ collapses }) => collapses),
    dead: dead.length,
    played,
    failed,
    missed: playable.map(({ kind }) => kind).filter(kind => !played[kind]),
    notPlayable: Object.fromEntries(
      faults.flatMap(fault => {
        const why = fault.missing?.(stage)
        return why === undefined ? [] : [[fault.kind, why]]
      })
    ),
    caughtUpSeconds
  }
}

/** Resolves when the group has handled so many ids, or when it has had the time to. */
async function caughtUp(database: Database, group: string, count: number, signal: AbortSignal): Promise<void> {
  const end = performance.now() + patienceMs
  const asked = 'select count(distinct id)::int as n from effects where grp = $1'
  while (performance.now() < end) {
    const { rows } = await database.query<{ n: number }>(asked, [group]).catch(() => ({ rows: [] }))
    if ((rows[0]?.n ?? 0) >= count) return
    await nap(100, undefined, { signal })
  }
}

async function effectsOf(database: Database, group: string): Promise<Effect[]> {
  const { rows } = await database.query<Effect>('select id, key, n from effects where grp = $1 order by nth', [group])
  return rows
}
