import { open } from '@plimsoll/database'
import type { Broker } from '../broker.ts'
import { PubSub } from '../pubsub.ts'
import { record } from './under-test.ts'

/**
 * A consumer in a process of its own, made to be killed: it says `handled` on its standard output after each commit that it
 * knows of, by the line of the message before. After so many lines it goes no further, however late its parent is.
 */
const [url, moduleUrl, argument, topic, group, mostLines] = process.argv.slice(2) as [
  url: string,
  moduleUrl: string,
  argument: string,
  topic: string,
  group: string,
  mostLines: string
]
let said = 0
const database = await open(url)
const connect = ((await import(moduleUrl)) as { default: (argument: unknown, database: unknown) => Promise<Broker> })
  .default
const broker = await connect(JSON.parse(argument), database)
const pubsub = new PubSub({ broker, database, source: '/consumer' })
await pubsub.subscribe(
  topic,
  group,
  async (message, context) => {
    await record(`${topic}/${group}`, message, context)
    process.stdout.write(`${message.id}\n`)
    if (++said >= Number(mostLines)) await new Promise(() => undefined)
  },
  { leaseMs: 500, batch: 3 }
)
