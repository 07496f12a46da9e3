import type { PubSub } from '@plimsoll/pubsub'
import type pg from 'pg'
import { countdown } from '../pubsub/rival.ts'
import { type BareClient, partitions, type Taken } from './bare.ts'
import { prefetch } from './contenders.ts'

export const handleWays = [
  { title: 'handled one by one', batch: 1, share: 0.15 },
  { title: 'handled in batches of 100', batch: 100, share: 1 }
] as const

/** From the first that was handled to the last, messages in a second: how long it takes to begin is not measured. */
class Stopwatch {
  #first: number | undefined
  #last = 0
  #handled = 0

  one(): void {
    this.#last = performance.now()
    this.#first ??= this.#last
    this.#handled++
  }

  get rate(): number {
    return ((this.#handled - 1) * 1_000) / (this.#last - this.#first!)
  }
}

export async function oursHandles(pubsub: PubSub, topic: string, batch: number, count: number): Promise<number> {
  const stopwatch = new Stopwatch()
  const { done, one } = countdown(count)
  const handler = async () => {
    stopwatch.one()
    one()
  }
  const subscription = await pubsub.subscribe(topic, 'ours', handler, { batch, prefetch, concurrency: partitions })
  await done
  await subscription.drain()
  return stopwatch.rate
}

/** A batch that is not taken for done before its inbox has committed, or with no inbox at all. */
export type Around = (topic: string, taken: readonly Taken[], handle: (taken: Taken) => Promise<void>) => Promise<void>

export async function bareHandles(
  bare: BareClient,
  topic: string,
  group: string,
  batch: number,
  count: number,
  around: Around
): Promise<number> {
  const stopwatch = new Stopwatch()
  const { done, one } = countdown(count)
  const { lanes, close } = await bare.consume(topic, group, prefetch)
  const handler = async (_taken: Taken) => stopwatch.one()
  const working = lanes.map(async lane => {
    for (;;) {
      const taken = await lane.next(batch)
      if (taken.length === 0) return
      await around(topic, taken, handler)
      await lane.ack(taken)
      for (const _ of taken) one()
    }
  })
  await Promise.race([done, Promise.all(working)])
  await close()
  await Promise.all(working)
  return stopwatch.rate
}

export const acksAlone: Around = async (_topic, taken, handle) => {
  for (const each of taken) await handle(each)
}

/** What a careful user of the bare client writes to handle each once: in one transaction, the ids that are new, and their handlers. */
export const withInbox =
  (pool: pg.Pool): Around =>
  async (topic, taken, handle) => {
    const client = await pool.connect()
    try {
      await client.query('begin')
      const { rows } = await client.query<{ id: string }>({
        name: 'inbox',
        text: `insert into pubsub.inbox (topic, grp, generation, id) select $1, 'bare', 0, unnest($2::text[])
               on conflict do nothing returning id`,
        values: [topic, taken.map(({ id }) => id)]
      })
      const fresh = new Set(rows.map(({ id }) => id))
      for (const each of taken) if (fresh.has(each.id)) await handle(each)
      await client.query('commit')
    } finally {
      client.release()
    }
  }
