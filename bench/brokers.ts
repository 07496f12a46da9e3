import { type Database, open } from '@plimsoll/database'
import { PubSub } from '@plimsoll/pubsub'
import pg from 'pg'
import { type Contender, contenders } from './brokers/contenders.ts'
import { acksAlone, bareHandles, handleWays, oursHandles, withInbox } from './brokers/handling.ts'
import { barePublishes, oursPublishes, publishing, publishWays } from './brokers/publishing.ts'
import { atLeast, type Result, type RunOptions } from './form.ts'
import { startOwnEngine } from './own-engine.ts'
import { startOwnPostgres } from './own-postgres.ts'
import { data, times } from './pubsub/rival.ts'

interface Plan {
  rounds: number
  turnMs: number
  load: number
}

/**
 * pubsub on each broker beside the client that its adapter uses, used bare: the same messages with the same headers, on topics
 * made alike, confirmed alike, read with the same prefetch, acknowledged message by message or batch by batch. Ours handles each
 * message once, by an inbox in the consumer's PostgreSQL; so the bare side is measured twice, with acknowledgements alone and
 * with such an inbox beside them, and the aim is held to the second. In rounds, ours and theirs in turn, the median of their ratios.
 *
 * `BENCH_BROKERS=redis,nats` measures some of them.
 */
export async function brokers({ quick, note }: RunOptions): Promise<Result> {
  const names = process.env.BENCH_BROKERS?.split(',') ?? Object.keys(contenders)
  const plan = quick ? { rounds: 3, turnMs: 500, load: 6_000 } : { rounds: 5, turnMs: 1_200, load: 20_000 }
  const rounds: Round[] = []
  const server = await startOwnPostgres()
  const database = await open(server.url, { poolSize: 16 })
  const pool = new pg.Pool({ connectionString: server.url, max: 16 })
  try {
    await PubSub.migrate(database)
    for (const name of names) {
      const contender = contenders[name]
      if (!contender) throw new Error(`there is no broker "${name}": ${Object.keys(contenders).join(', ')}`)
      const engine = await startOwnEngine(name)
      try {
        const stand = await standOf(name, contender, engine.url, database, pool)
        try {
          rounds.push(...(await measure(stand, plan, note)))
        } finally {
          await stand.close()
        }
      } finally {
        engine.stop()
      }
    }
  } finally {
    await pool.end()
    await database.close()
    server.stop()
  }
  return told(rounds)
}

type Stand = Awaited<ReturnType<typeof standOf>>

async function standOf(engine: string, contender: Contender, url: string, database: Database, pool: pg.Pool) {
  const { name, ours, bare, share = 1, unkept = false } = contender
  const broker = await ours(url)
  const pubsub = new PubSub({ broker, database, source: '/bench' })
  const client = await bare(url)
  return {
    engine,
    name,
    share,
    unkept,
    broker,
    pubsub,
    bare: client,
    pool,
    async close() {
      await pubsub.close()
      await broker.close()
      await client.close()
    }
  }
}

/** What was measured in turn, so that it can be compared. */
interface Round {
  title: string
  ours: number
  bare: number
  /** The bare client that does as much as we do, where that is more. */
  alike?: number
}

async function measure(stand: Stand, plan: Plan, note: RunOptions['note']): Promise<Round[]> {
  const rounds: Round[] = []
  const keep = (round: Round) => {
    rounds.push(round)
    const { title, ours, bare, alike } = round
    const inbox = alike === undefined ? '' : `, with an inbox ${Math.round(alike)}`
    note(`${title}: ours ${Math.round(ours)}, bare ${Math.round(bare)}${inbox}`)
  }
  const { name, broker, bare, pubsub } = stand
  for (const topic of ['ours', 'bare']) {
    await broker.topic(topic)
    if (!stand.unkept) await broker.group(topic, 'kept')
  }
  for (let n = 0; n < plan.rounds; n++) {
    for (const way of publishWays) {
      const sides = {
        ours: publishing(way, oursPublishes(pubsub, 'ours')),
        bare: publishing(way, barePublishes(bare, 'bare'))
      }
      // A moment to get warm, which is not measured.
      if (n === 0) for (const side of Object.values(sides)) await side(100)
      keep({ title: `${name}: ${way.title}`, ...(await inTurn(n, plan.turnMs, sides)) })
    }
    for (const way of handleWays) {
      // All keep their positions in one database, by topic.
      const topic = `${stand.engine}-${n}-of-${way.batch}`
      const rates = await handling(stand, topic, n, way, plan.load * stand.share)
      keep({ title: `${name}: ${way.title}`, ...rates })
    }
  }
  return rounds
}

/** Who comes first changes from round to round. */
async function inTurn(n: number, ms: number, sides: Record<'ours' | 'bare', (ms: number) => Promise<number>>) {
  if (n % 2 === 1) {
    const bare = await sides.bare(ms)
    return { ours: await sides.ours(ms), bare }
  }
  return { ours: await sides.ours(ms), bare: await sides.bare(ms) }
}

/** The very same messages are read by three groups, one after the other. */
async function handling(
  { broker, pubsub, bare, pool }: Stand,
  topic: string,
  n: number,
  { batch, share }: (typeof handleWays)[number],
  load: number
) {
  const count = Math.round(load * share)
  await broker.topic(topic)
  await broker.group(topic, 'ours')
  for (const group of ['acks', 'inbox']) await bare.group(topic, group)
  for (let left = count; left > 0; left -= 1_000) {
    const messages = times(Math.min(1_000, left), i => ({ key: `customer-${i}`, type: 'order.placed', data }))
    await pubsub.publish(topic, messages)
  }
  const sides = {
    ours: () => oursHandles(pubsub, topic, batch, count),
    bare: () => bareHandles(bare, topic, 'acks', batch, count, acksAlone),
    alike: () => bareHandles(bare, topic, 'inbox', batch, count, withInbox(pool))
  }
  const rates = { ours: 0, bare: 0, alike: 0 }
  const names = Object.keys(sides) as (keyof typeof sides)[]
  for (const side of [...names.slice(n % 3), ...names.slice(0, n % 3)]) rates[side] = await sides[side]()
  return rates
}

function told(rounds: readonly Round[]): Result {
  const figures: Record<string, number> = {}
  const aims = []
  for (const [title, own] of Map.groupBy(rounds, round => round.title)) {
    figures[`${title}, messages/s`] = Math.round(median(own.map(({ ours }) => ours)))
    figures[`${title}, bare client, messages/s`] = Math.round(median(own.map(({ bare }) => bare)))
    const beside = median(own.map(({ ours, bare }) => ours / bare))
    if (own.every(({ alike }) => alike === undefined)) {
      aims.push(atLeast(`${title}, beside the bare client`, beside, 0.7, 'times'))
      continue
    }
    figures[`${title}, bare client with an inbox, messages/s`] = Math.round(median(own.map(({ alike }) => alike!)))
    figures[`${title}, beside the bare client without an inbox`] = beside
    const alike = median(own.map(({ ours, alike }) => ours / alike!))
    aims.push(atLeast(`${title}, beside the bare client with an inbox`, alike, 0.7, 'times'))
  }
  return { figures, aims }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
