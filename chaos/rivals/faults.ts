import type { Toxic } from '../engines/toxiproxy.ts'
import type { Fault } from '../ingest/faults/index.ts'
import type { Target } from './targets.ts'

/** The faults of the comparison. Each is played on all targets in the same moment. */

type Broken = readonly Target[]

function ill(kind: string, about: string, where: 'lane' | 'storeLane', toxic: Toxic): Fault<Broken> {
  return {
    kind,
    about,
    group: where,
    shortestMs: 800,
    longestMs: 2_000,
    async play(targets, { forMs }, { wait }) {
      const heals = await Promise.all(targets.map(target => target[where].infect(toxic)))
      await wait(forMs)
      await Promise.all(heals.map(heal => heal()))
    }
  }
}

export const rivalFaults: readonly Fault<Broken>[] = [
  ill('reply-lost', 'the answer is dropped after the commit', 'lane', {
    type: 'limit_data',
    stream: 'downstream',
    toxicity: 0.6,
    attributes: { bytes: 0 }
  }),
  ill('reply-hangs', 'the answer never comes', 'lane', {
    type: 'timeout',
    stream: 'downstream',
    toxicity: 0.6,
    attributes: { timeout: 0 }
  }),
  ill('latency', 'answers come about when the client gives up', 'lane', {
    type: 'latency',
    stream: 'downstream',
    toxicity: 0.6,
    attributes: { latency: 1_400, jitter: 600 }
  }),
  {
    kind: 'kill',
    about: 'kill -9 of the server',
    group: 'kill',
    shortestMs: 2_500,
    longestMs: 2_500,
    async play(targets, { forMs }, { wait }) {
      await Promise.all(targets.map(target => target.kill()))
      await wait(forMs)
    }
  },
  {
    kind: 'store-refused',
    about: 'the database refuses connections, and those that are open are closed',
    group: 'store',
    shortestMs: 600,
    longestMs: 1_500,
    async play(targets, { forMs }, { wait }) {
      await Promise.all(targets.map(({ storeLane }) => storeLane.enable(false)))
      await wait(forMs)
      await Promise.all(targets.map(({ storeLane }) => storeLane.enable(true)))
    }
  }
]
