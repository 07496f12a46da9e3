import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { setTimeout as nap } from 'node:timers/promises'
import { open } from '@plimsoll/database'
import { type Broker, PubSub } from '@plimsoll/pubsub'
import { brokers } from './brokers.ts'
import { keysOf, type ProducerOrder, topic } from './order.ts'

/**
 * Publishes a round after the other, one message of each of its keys in each, until it is told to finish. What it begins stands in
 * its journal before, so that the next life publishes the same again with the same ids, and only then goes on.
 */
const {
  broker: name,
  url,
  databaseUrl,
  name: producer,
  journal,
  paceMs
} = JSON.parse(process.argv[2]!) as ProducerOrder

let finishing = false
process.on('message', () => {
  finishing = true
})
process.on('disconnect', () => process.exit(1))

const lines = existsSync(journal) ? readFileSync(journal, 'utf8').split('\n').filter(Boolean) : []
let round = lines.filter(line => line.startsWith('done ')).length
/** What the life before began is published to its end, also by one that is told to finish. */
let owed = lines.includes(`begun ${round}`)
const broker = await connected()
const pubsub = new PubSub({ broker, source: '/chaos' })
while (owed || !finishing) {
  appendFileSync(journal, `begun ${round}\n`)
  const messages = keysOf(producer).map(key => ({
    id: `${key}-${round}`,
    key,
    type: 'counted',
    data: { n: round }
  }))
  while (!(await isConfirmed(messages))) await nap(20)
  appendFileSync(journal, `done ${round}\n`)
  if (round++ === 0) process.send?.('published')
  owed = false
  await nap(paceMs)
}
await broker.close()
process.exit(0)

function isConfirmed(messages: Parameters<PubSub['publish']>[1]): Promise<boolean> {
  return pubsub.publish(topic, messages).then(
    () => true,
    () => false
  )
}

/** The broker may be dead just now. */
async function connected(): Promise<Broker> {
  for (;;) {
    try {
      return await brokers[name].connect(url, () => open(databaseUrl))
    } catch {
      await nap(50)
    }
  }
}
