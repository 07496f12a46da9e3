import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const module = fileURLToPath(new URL('./rival-process.ts', import.meta.url))

/** Designs that others ship, each as a small stand-in: what it is, and whose. */
export const rivalDesigns = {
  'lock-window': 'a lock for 100 ms on what the event says (OpenPanel)',
  'claim-first': 'the id claimed in Redis, then the write (OpenMeter)',
  'answer-first': 'answered, then written from memory once a second (Rybbit, Plausible)',
  'dedupe-later': 'duplicates stored, merged later within a partition (ClickHouse under PostHog)'
} as const
export type RivalName = keyof typeof rivalDesigns

export interface Rival {
  /** kill -9. It is started again at once, until it is stopped. */
  kill(): void
  stop(): Promise<void>
}

export interface RivalOptions {
  name: RivalName
  port: number
  storeUrl: string
  redisUrl: string
}

/** Starts a stand-in as a process of its own, and again whenever it ends. Rejects when the first start fails. */
export async function startRival({ name, port, storeUrl, redisUrl }: RivalOptions): Promise<Rival> {
  let child: ChildProcess
  let stopped = false
  let again: NodeJS.Timeout | undefined
  const launch = () => {
    child = fork(module, [name, String(port), storeUrl, redisUrl], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
    child.once('exit', () => {
      if (!stopped) again = setTimeout(launch, 300)
    })
    return child
  }
  const first = launch()
  const ready = await Promise.race([once(first, 'message'), once(first, 'exit').then(() => undefined)])
  const rival: Rival = {
    kill: () => void child.kill('SIGKILL'),
    async stop() {
      stopped = true
      clearTimeout(again)
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      const impatience = setTimeout(() => child.kill('SIGKILL'), 5_000)
      await gone
      clearTimeout(impatience)
    }
  }
  if (ready === undefined) {
    await rival.stop()
    throw new Error(`the stand-in ${name} did not start`)
  }
  return rival
}
