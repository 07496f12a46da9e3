import { open } from '@plimsoll/database'
import { atLeast, type Result, type RunOptions } from './form.ts'
import { startOwnPostgres } from './own-postgres.ts'
import { boss } from './pubsub/boss.ts'
import { graphile } from './pubsub/graphile.ts'
import { ours } from './pubsub/ours.ts'
import { type Rival, times } from './pubsub/rival.ts'

/**
 * The log of pubsub beside two queues on one PostgreSQL that is started for the run, synced commits for all. In turns, the
 * best of each. Published by 16 callers one by one, and in batches by four; then handled, one by one and in batches; for one
 * group and for three, where a message counts once for each.
 */
export async function pubsub({ quick, note }: RunOptions): Promise<Result> {
  const server = await startOwnPostgres()
  const database = await open(server.url, { poolSize: 16 })
  const rivals: Rival[] = []
  try {
    for (const start of [ours, graphile, boss]) rivals.push(await start(server.url, database))
    return await measure(rivals, quick ? 500 : 2_000, quick ? 1 : 3, quick ? 6_000 : 20_000, note)
  } finally {
    for (const rival of rivals) await rival.close()
    await database.close()
    server.stop()
  }
}

const publishWays = [1, 3].flatMap(groups => [
  { title: 'published one by one, 16 callers', callers: 16, count: 1, groups },
  { title: 'published in batches of 100, 4 callers', callers: 4, count: 100, groups },
  { title: 'published in batches of 1,000, 4 callers', callers: 4, count: 1_000, groups }
])
const consumeWays = [1, 3].flatMap(groups => [
  { title: 'handled one by one', batch: 1, share: 0.1, groups },
  { title: 'handled in batches of 100', batch: 100, share: 1, groups },
  { title: 'handled in batches of 1,000', batch: 1_000, share: 1, groups }
])
const withIds = { title: 'published under own ids in batches of 1,000, 4 callers', callers: 4, count: 1_000, groups: 1 }

const named = ({ title, groups }: { title: string; groups: number }) =>
  groups === 1 ? title : `${title}, three groups`

async function measure(rivals: Rival[], turnMs: number, turns: number, load: number, note: RunOptions['note']) {
  const best: Record<string, number> = {}
  const keep = (title: string, rival: Rival, rate: number) => {
    const name = `${rival.name}: ${title}, messages/s`
    best[name] = Math.max(best[name] ?? 0, Math.round(rate))
    note(`${name}: ${Math.round(rate)}`)
  }
  for (let turn = 0; turn < turns; turn++) {
    for (const way of publishWays) {
      for (const rival of rivals) keep(named(way), rival, await publishing(rival, way, turnMs, false))
    }
    for (const rival of rivals) keep(named(withIds), rival, await publishing(rival, withIds, turnMs, true))
  }
  for (let turn = 0; turn < turns; turn++) {
    for (const way of consumeWays) {
      const count = Math.round((load * way.share) / way.groups)
      for (const rival of rivals) keep(named(way), rival, await consuming(rival, count * rival.load, way))
    }
  }
  const ratio = (title: string) => {
    const of = (name: string) => best[`${name}: ${title}, messages/s`]!
    return of('plimsoll') / Math.max(of('graphile-worker'), of('pg-boss'))
  }
  const aims = [...publishWays, ...consumeWays].map(way => {
    const single = ('count' in way ? way.count : way.batch) === 1
    return atLeast(`${named(way)}, beside the better of the two`, ratio(named(way)), single ? 3 : 5, 'times')
  })
  return { figures: best, aims }
}

type PublishWay = (typeof publishWays)[number]

async function publishing(rival: Rival, { callers, count, groups }: PublishWay, ms: number, ids: boolean) {
  const began = performance.now()
  let published = 0
  await Promise.all(
    times(callers, async () => {
      while (performance.now() - began < ms) {
        await rival.publish(count, groups, ids)
        published += count
      }
    })
  )
  return (published * 1_000 * groups) / (performance.now() - began)
}

/** From the first that was handled to the last: how long it takes to begin is not measured. */
async function consuming(rival: Rival, count: number, { batch, groups }: (typeof consumeWays)[number]) {
  await rival.clear?.()
  for (let left = count; left > 0; left -= 1_000) await rival.publish(Math.min(1_000, left), groups)
  let first: number | undefined
  let last = 0
  let handled = 0
  await rival.consume(count, batch, groups, more => {
    last = performance.now()
    if (first === undefined) first = last
    else handled += more
  })
  return (handled * 1_000) / (last - first!)
}
