import { setTimeout as nap } from 'node:timers/promises'
import type { Engine } from '@plimsoll/bench'
import type { Fault } from '../ingest/faults/index.ts'
import { between, pick } from '../ingest/random.ts'
import type { BrokerUnderChaos } from './brokers.ts'
import type { Member } from './member.ts'
import { leaseMs } from './order.ts'

export interface Stage {
  broker: BrokerUnderChaos
  engine: Engine
  /** One strike at the broker behind the other: some take longer to start than a strike is planned for. */
  alone(work: () => Promise<void>): Promise<void>
  producers: readonly Member[]
  consumers: readonly Member[]
}

/** What is struck is started again behind it, also when the run is broken off. */
export const faultsOf = (broker: BrokerUnderChaos): readonly Fault<Stage>[] => [
  ...memberFaults,
  brokerKill(broker.breathMs ?? 0)
]

const memberFaults: readonly Fault<Stage>[] = [
  {
    kind: 'producer-kill',
    about: 'kill -9 of a producer',
    group: 'producers',
    shortestMs: 50,
    longestMs: 500,
    async play({ producers }, { forMs }, { random, wait }) {
      const victim = pick(random, producers)
      await victim.alone(async () => {
        await victim.kill()
        await wait(forMs).finally(() => victim.start())
      })
    }
  },
  {
    kind: 'consumer-kill',
    about: 'kill -9 of a consumer, whose partitions wait for its lease',
    group: 'consumers',
    shortestMs: 50,
    longestMs: 1_500,
    async play({ consumers }, { forMs }, { random, wait }) {
      const victim = pick(random, consumers)
      await victim.alone(async () => {
        await victim.kill()
        await wait(forMs).finally(() => victim.start())
      })
    }
  },
  {
    kind: 'consumer-freeze',
    about: 'a consumer stands still for longer than its lease, and goes on',
    group: 'consumers',
    shortestMs: leaseMs + 200,
    longestMs: leaseMs + 1_500,
    async play({ consumers }, { forMs }, { random, wait }) {
      const victim = pick(random, consumers)
      await victim.alone(async () => {
        victim.freeze()
        await wait(forMs).finally(() => victim.thaw())
      })
    }
  },
  {
    kind: 'consumer-leave',
    about: 'a consumer drains and leaves, and comes back',
    group: 'consumers',
    shortestMs: 50,
    longestMs: 1_000,
    async play({ consumers }, { forMs }, { random, wait }) {
      const victim = pick(random, consumers)
      await victim.alone(async () => {
        await victim.end(20_000)
        await wait(forMs).finally(() => victim.start())
      })
    }
  }
]

const brokerKill = (breathMs: number): Fault<Stage> => ({
  kind: 'broker-kill',
  about: 'kill -9 of the broker',
  group: 'broker',
  shortestMs: breathMs,
  longestMs: breathMs,
  missing: ({ broker }) => (broker.pidFile ? undefined : 'Google’s fake keeps nothing when it is killed'),
  async play({ broker, engine, alone }, { forMs }, { random, wait }) {
    const end = performance.now() + forMs
    await alone(async () => {
      await engine.kill(broker.pidFile!)
      await wait(between(random, 100, 1_500)).finally(() => startPatiently(engine))
    })
    await wait(end - performance.now())
  }
})

/** Those whom a killed server leaves behind hold its files and memory for a moment more. */
async function startPatiently(engine: Engine): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await engine.startAgain()
      return
    } catch (error) {
      if (tries === 20) throw error
      await nap(250)
    }
  }
}
