import type { Toxic } from '../../engines/toxiproxy.ts'
import type { Fault } from './fault.ts'

/** What may happen to the store: the disk of the embedded one, the server of the other and the way to it. */

const diskFull: Fault = {
  kind: 'disk-full',
  about: 'the disk of the stores is full',
  group: 'disk',
  shortestMs: 1_000,
  longestMs: 3_500,
  missing: ({ disk, postgres }) =>
    postgres ? 'the stores are on a server, whose disk is left alone' : disk?.file ? undefined : disk?.why,
  async play({ disk }, { forMs }, { wait }) {
    try {
      await disk!.fill()
      for (let waited = 0; waited < forMs; waited += 100) {
        await wait(100)
        // What the stores give back meanwhile is taken at once.
        await disk!.fill()
      }
    } finally {
      await disk!.empty()
    }
  }
}

const needsServer: Required<Pick<Fault, 'missing'>> = {
  missing: ({ postgres }) => (postgres ? undefined : 'there is no server: --store postgres')
}

function lane(kind: string, about: string, toxic: Omit<Toxic, 'toxicity'>): Fault {
  return {
    ...needsServer,
    kind,
    about,
    group: 'store-lane',
    shortestMs: 300,
    longestMs: 3_000,
    async play({ postgres }, { forMs }, { wait }) {
      const heal = await postgres!.lane.infect({ toxicity: 0.7, ...toxic })
      await wait(forMs)
      await heal()
    }
  }
}

export const storeFaults: readonly Fault[] = [
  diskFull,
  {
    ...needsServer,
    kind: 'postgres-kill',
    about: 'kill -9 of the PostgreSQL server',
    group: 'postgres',
    shortestMs: 3_000,
    longestMs: 6_000,
    play: ({ postgres }, { forMs }) => postgres!.kill(Math.max(0, forMs - 2_500))
  },
  lane('postgres-reply-lost', 'the answer to a commit is lost, and the connection closed', {
    type: 'limit_data',
    stream: 'downstream',
    attributes: { bytes: 2_000 }
  }),
  lane('postgres-hangs', 'the store takes statements and answers none', {
    type: 'timeout',
    stream: 'downstream',
    attributes: { timeout: 0 }
  }),
  lane('postgres-reset', 'connections to the store are reset', {
    type: 'reset_peer',
    stream: 'downstream',
    attributes: { timeout: 0 }
  }),
  lane('postgres-slow', 'each answer of the store takes 150 ms more', {
    type: 'latency',
    stream: 'downstream',
    attributes: { latency: 150, jitter: 100 }
  }),
  {
    ...needsServer,
    kind: 'postgres-refused',
    about: 'the store refuses connections',
    group: 'store-lane',
    shortestMs: 300,
    longestMs: 3_000,
    async play({ postgres }, { forMs }, { wait }) {
      await postgres!.lane.enable(false)
      await wait(forMs)
      await postgres!.lane.enable(true)
    }
  }
]
