import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as nap } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Delivery } from '../plan.ts'
import { newTally, sumOf, type Tally } from '../tally.ts'
import type { Client, ClientOptions } from './client.ts'
import { Journal } from './journal.ts'
import type { JournalOrder } from './journal-process.ts'

const module = fileURLToPath(new URL('./journal-process.ts', import.meta.url))

/** A client in a process of its own that is killed and comes back, with its plan on disk. */
export function journalClient(options: ClientOptions & { file: string; paceMs: number }): Client {
  let child: ChildProcess | undefined
  let life = 0
  let planned: Delivery[] = []
  let unfinished = 0
  /** What each life reported last: what a killed one did in its last half second is in the platform's books only. */
  const tallies: Tally[] = []
  const launch = () => {
    const mine = life++
    child = fork(module, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    child.send({ ...options, life: mine } satisfies JournalOrder)
    child.on('message', tally => {
      tallies[mine] = tally as Tally
    })
  }
  const end = async (signal: NodeJS.Signals) => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill(signal)
    await gone
  }
  return {
    name: options.name,
    kind: 'killed process',
    url: options.url,
    get tally() {
      return tallies.length === 0 ? newTally() : sumOf(tallies.filter(tally => tally !== undefined))
    },
    get unfinished() {
      return unfinished
    },
    start: launch,
    async kill(downMs) {
      await end('SIGKILL')
      await nap(downMs)
      launch()
    },
    async finish(patienceMs) {
      if (child && child.exitCode === null && child.signalCode === null) {
        const gone = once(child, 'exit')
        child.send('finish')
        const impatience = setTimeout(() => void end('SIGKILL'), patienceMs)
        await gone
        clearTimeout(impatience)
      }
      const journal = new Journal(options.file)
      planned = journal.planned
      unfinished = planned.length - journal.finished.size
      journal.close()
    },
    deliveries: async () => planned,
    dispose: () => end('SIGKILL')
  }
}
