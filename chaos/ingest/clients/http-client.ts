import { setTimeout as nap } from 'node:timers/promises'
import { type Delivery, type PlanOptions, planner } from '../plan.ts'
import { between, seededRandom } from '../random.ts'
import { newTally } from '../tally.ts'
import type { Client, ClientOptions } from './client.ts'
import { Courier } from './courier.ts'
import type { Transport } from './transport.ts'

export interface HttpClientOptions extends ClientOptions, PlanOptions {
  kind: string
  transport: Transport
  /** Deliveries on their way at a time. */
  atOnce: number
  /** Between two new ones, on average, in milliseconds. */
  paceMs: number
}

/** A client inside this process. */
export function httpClient(options: HttpClientOptions): Client {
  const { name, seed, url, key, transport, atOnce, paceMs } = options
  const random = seededRandom(seed, name, 'courier')
  const tally = newTally()
  const courier = new Courier({ url, key, transport, random, tally })
  const next = planner(seed, name, options)
  const planned: Delivery[] = []
  let offsetMs = 0
  let stopped = false
  let unfinished = 0
  let lines: Promise<void>[] = []
  const line = async () => {
    while (!stopped) {
      const delivery = next(Date.now(), offsetMs)
      planned.push(delivery)
      unfinished++
      if (await courier.deliver(delivery)) unfinished--
      if (random() < 0.08) await courier.sendOnceMore()
      await nap(between(random, 0, 2 * paceMs))
    }
  }
  return {
    name,
    kind: options.kind,
    url,
    tally,
    get unfinished() {
      return unfinished
    },
    start() {
      lines = Array.from({ length: atOnce }, line)
      // Awaited in `finish`; until then a failure must not end the process.
      for (const one of lines) one.catch(() => undefined)
    },
    async finish(patienceMs) {
      stopped = true
      const impatience = setTimeout(() => courier.giveUp(), patienceMs)
      await Promise.all(lines)
      clearTimeout(impatience)
    },
    deliveries: async () => planned,
    setClock(ms) {
      offsetMs = ms
    },
    async dispose() {
      stopped = true
      courier.giveUp()
      await Promise.allSettled(lines)
    }
  }
}
