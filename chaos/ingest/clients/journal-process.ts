import { setTimeout as nap } from 'node:timers/promises'
import { planner } from '../plan.ts'
import { between, seededRandom } from '../random.ts'
import { newTally } from '../tally.ts'
import type { ClientOptions } from './client.ts'
import { Courier } from './courier.ts'
import { Journal } from './journal.ts'
import { byFetch } from './transport.ts'

/** A client in a process of its own, to be killed at any instant: it begins with what its journal does not know done. */

export interface JournalOrder extends ClientOptions {
  file: string
  /** How often it was started before. */
  life: number
  paceMs: number
}

/** Deliveries on their way at a time. */
const atOnce = 3

async function run({ name, seed, url, key, file, life, paceMs }: JournalOrder): Promise<void> {
  const journal = new Journal(file)
  const random = seededRandom(seed, name, 'courier', life)
  const tally = newTally()
  const courier = new Courier({ url, key, transport: byFetch, random, tally })
  // Another life makes other ids.
  const next = planner(seed, `${name}/${life}`)
  let stopped = false
  process.on('message', message => {
    if (message === 'finish') stopped = true
  })
  process.on('disconnect', () => process.exit(1))
  const left = journal.planned
    .keys()
    .filter(n => !journal.finished.has(n))
    .toArray()
  const deliver = async (n: number) => {
    if (await courier.deliver(journal.planned[n]!)) journal.done(n)
  }
  const line = async () => {
    for (let n = left.pop(); n !== undefined; n = left.pop()) await deliver(n)
    while (!stopped) {
      await deliver(journal.plan(next(Date.now(), 0)))
      if (random() < 0.1) await courier.sendOnceMore()
      await nap(between(random, 0, 2 * paceMs))
    }
  }
  const report = () => void process.send?.(tally)
  const reports = setInterval(report, 500)
  await Promise.all(Array.from({ length: atOnce }, line))
  clearInterval(reports)
  journal.close()
  process.send?.(tally, () => process.exit(0))
}

process.once('message', order => void run(order as JournalOrder))
