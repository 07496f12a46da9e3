import { setTimeout as nap } from 'node:timers/promises'
import { atMost, type Result, type RunOptions } from './form.ts'
import { residentMegabytes } from './resident-memory.ts'
import { startPlatformProcess } from './started-platform.ts'

/** How long it stands between two kills: longer than the run after which the watcher begins again at once. */
const standsMs = 4_000

/** A platform at rest: the memory of both processes, and the time from `kill -9` of it until it is ready again. */
export async function restart({ quick, note }: RunOptions): Promise<Result> {
  const beganAt = performance.now()
  const platform = await startPlatformProcess()
  try {
    const firstMs = performance.now() - beganAt
    const readyMs: number[] = []
    const resident: { platform: number; watcher: number }[] = []
    for (let n = 1; n <= (quick ? 3 : 9); n++) {
      await nap(standsMs)
      const pid = await platform.platformPid()
      resident.push({ platform: await residentMegabytes(pid), watcher: await residentMegabytes(platform.pid) })
      const killedAt = performance.now()
      process.kill(pid, 'SIGKILL')
      await platform.nextReady()
      readyMs.push(performance.now() - killedAt)
      note(`ready ${Math.round(readyMs.at(-1)!)} ms after kill -9 number ${n}`)
    }
    const together = Math.max(...resident.map(each => each.platform + each.watcher))
    return {
      figures: {
        'first start with an empty folder (ms)': firstMs,
        'kill -9 to ready (ms)': readyMs.map(Math.round),
        'resident memory of the platform (MB)': resident.map(each => Math.round(each.platform)),
        'resident memory of the watcher (MB)': resident.map(each => Math.round(each.watcher))
      },
      aims: [
        atMost(
          'kill -9 to ready, the middle one',
          readyMs.toSorted((a, b) => a - b)[readyMs.length >> 1]!,
          3_000,
          'ms'
        ),
        atMost('platform and watcher at rest', together, 600, 'MB')
      ]
    }
  } finally {
    await platform.stop()
  }
}
