import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as nap } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { between, seededRandom } from '../random.ts'
import { newTally } from '../tally.ts'
import type { Client, ClientOptions } from './client.ts'
import { readLines, recordOf } from './sdk-journal.ts'
import type { SdkOrder } from './sdk-process.ts'
import { sdkUser } from './sdk-record.ts'

const module = fileURLToPath(new URL('./sdk-process.ts', import.meta.url))

export interface SdkNodeOptions extends ClientOptions, Pick<SdkOrder, 'folder' | 'journal' | 'paceMs'> {
  /** How long a life is at most, in milliseconds. */
  longestLifeMs: number
}

/** The SDK in a process that is killed at random, or ends in order, and begins again on the same folder. */
export function sdkNodeClient({ longestLifeMs, ...options }: SdkNodeOptions): Client {
  const { name, seed, url, journal } = options
  const random = seededRandom(seed, name, 'lives')
  const stopping = Promise.withResolvers<void>()
  let child: ChildProcess | undefined
  let life = 0
  let stopped = false
  let delivered = false
  let lives: Promise<void> = Promise.resolve()
  // One end at a time, whoever asks for it.
  let turning: Promise<void> = Promise.resolve()

  const launch = (task: SdkOrder['task']) => {
    child = fork(module, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    // It may be killed before it has read this.
    child.send({ ...options, life: life++, task } satisfies SdkOrder, () => undefined)
    return child
  }
  const isGone = () => !child || child.exitCode !== null || child.signalCode !== null
  const gone = async (patienceMs: number) => {
    if (isGone()) return
    const impatience = setTimeout(() => child?.kill('SIGKILL'), patienceMs)
    await once(child!, 'exit')
    clearTimeout(impatience)
  }
  const end = async (inOrder: boolean) => {
    if (isGone()) return
    if (inOrder) child!.send('stop', () => undefined)
    else child!.kill('SIGKILL')
    await gone(10_000)
  }
  const turn = (inOrder: boolean, downMs: number) => {
    turning = turning.then(async () => {
      if (stopped) return
      await end(inOrder)
      await nap(downMs)
      if (!stopped) launch('record')
    })
    return turning
  }
  const live = async () => {
    for (;;) {
      await Promise.race([nap(between(random, longestLifeMs / 4, longestLifeMs)), stopping.promise])
      if (stopped) return
      await turn(random() < 0.25, between(random, 0, 400))
    }
  }
  const stop = async () => {
    stopped = true
    stopping.resolve()
    await lives
    await turning
  }
  return {
    name,
    kind: 'SDK in Node',
    url,
    tally: newTally(),
    get unfinished() {
      return delivered ? 0 : 1
    },
    start() {
      launch('record')
      lives = live()
      lives.catch(() => undefined)
    },
    kill: downMs => turn(false, downMs),
    async finish(patienceMs) {
      await stop()
      await end(true)
      // What it could not send in its two seconds is delivered by the next run, as an SDK promises.
      launch('deliver').on('message', message => {
        delivered = (message as { delivered: boolean }).delivered
      })
      await gone(patienceMs)
    },
    deliveries: async () => [],
    recorded: () => recordOf(sdkUser(name), readLines(journal)),
    async dispose() {
      await stop().catch(() => undefined)
      await end(false)
    }
  }
}
