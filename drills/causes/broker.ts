import { type Aim, atLeast, atMost, startEngine } from '@plimsoll/bench'
import { redisBroker } from '@plimsoll/pubsub/redis'
import type { Scene } from './fault.ts'
import { pause } from './play.ts'

const topic = 'plimsoll.telemetry'

/** A Redis of our own that the platform publishes to. */
export interface StartedBroker {
  url: string
  /** Ends the server at once, without goodbye; and starts it again on what it kept. */
  kill(): Promise<void>
  startAgain(): Promise<void>
  /** Each message that is in it, as often as it is. */
  published(): Promise<{ id: string; type: string | undefined }[]>
  stop(): Promise<void>
}

/** @throws in the words of the script when Redis is not installed */
export async function startBroker(): Promise<StartedBroker> {
  const { url, stop, kill, startAgain } = await startEngine('redis')
  return { url, stop, startAgain, kill: () => kill('redis.pid'), published: () => messagesIn(url) }
}

async function messagesIn(url: string): ReturnType<StartedBroker['published']> {
  const broker = await redisBroker({ url })
  try {
    const found: { id: string; type: string | undefined }[] = []
    const partitions = await broker.topic(topic)
    for (let partition = 0; partition < partitions; partition++) {
      const place = { topic, group: 'drill', partition }
      const { messages } = await broker.lag(place, null)
      const source = await broker.open(place, { after: null, prefetch: 1_000 })
      for (let left = messages; left > 0; ) {
        const deliveries = await source.next(1_000, AbortSignal.timeout(30_000))
        if (deliveries.length === 0) throw new Error(`${left} messages of partition ${partition} cannot be read`)
        left -= deliveries.length
        found.push(...deliveries.map(({ envelope: { id, attributes } }) => ({ id, type: attributes.type })))
      }
      await source.close()
    }
    return found
  } finally {
    await broker.close()
  }
}

/** With the load over: all that the books have as accepted must be in the broker, and nothing twice. */
export async function nothingMissing({ platform, broker, keys, endLoad, note }: Scene): Promise<Aim[]> {
  await endLoad()
  const rows = () => platform.get<{ subscribers: { name: string; behind: number | null }[] }>('/v1/subscribers')
  const waits = async () => (await rows()).subscribers.find(({ name }) => name === 'broker redis')?.behind !== 0
  for (const end = performance.now() + 60_000; (await waits()) && performance.now() < end; ) await pause(250)
  const books = await Promise.all(
    Object.keys(keys).map(project => platform.get<{ accepted: number }>('/v1/ledger', project))
  )
  const accepted = books.reduce((sum, book) => sum + book.accepted, 0)
  // What the platform adds by itself is in the log too, and in no book.
  const told = (await broker!.published()).filter(({ type }) => type !== 'session.enriched')
  const distinct = new Set(told.map(({ id }) => id)).size
  note(`  ${accepted} events accepted, ${distinct} of them in the broker, ${told.length - distinct} twice`)
  return [
    atLeast('events accepted', accepted, 1_000, ''),
    atMost('accepted events that are not in the broker', accepted - distinct, 0, ''),
    atMost('events that are in the broker twice', told.length - distinct, 0, '')
  ]
}
