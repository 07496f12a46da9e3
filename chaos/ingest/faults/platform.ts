import { type Fault, type Hand, patiently, type Stage } from './fault.ts'

/** What may happen to the platform's own process. */

/** It is started again by its watcher, and the next fault of this kind must find it up. */
const restartMs = 4_000

function ended(kind: string, about: string, signal: NodeJS.Signals): Fault {
  return {
    kind,
    about,
    group: 'platform',
    shortestMs: restartMs,
    longestMs: restartMs,
    async play({ platform }, _strike, hand) {
      await patiently(hand, async () => process.kill(await platform.platformPid(), signal))
      await hand.wait(restartMs)
    }
  }
}

function knob(kind: string, about: string, name: 'blockLoopMs' | 'holdStoreMs', longestMs: number): Fault {
  return {
    kind,
    about,
    group: kind,
    shortestMs: 500,
    longestMs,
    async play(stage, { forMs }, hand) {
      await turn(stage, { [name]: forMs }, hand)
      await hand.wait(forMs)
    }
  }
}

function turn({ platform }: Stage, faults: Record<string, number>, hand: Hand): Promise<void> {
  return patiently(hand, async () => {
    const response = await fetch(`${platform.url}/admin/faults`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${platform.adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify(faults),
      signal: AbortSignal.timeout(35_000)
    })
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
  })
}

export const platformFaults: readonly Fault[] = [
  ended('platform-kill', 'kill -9 of the platform', 'SIGKILL'),
  ended('platform-stop', 'the platform is told to stop, as in an upgrade', 'SIGTERM'),
  {
    kind: 'platform-freeze',
    about: 'the platform stands still, as under a debugger or in swap',
    group: 'platform',
    shortestMs: 500,
    longestMs: 3_500,
    async play({ platform }, { forMs }, hand) {
      const pid = await patiently(hand, async () => {
        const running = await platform.platformPid()
        process.kill(running, 'SIGSTOP')
        return running
      })
      try {
        await hand.wait(forMs)
      } finally {
        process.kill(pid, 'SIGCONT')
      }
    }
  },
  knob('loop-blocked', 'a request keeps the event loop busy', 'blockLoopMs', 2_500),
  knob('store-held', 'every connection to the store is taken', 'holdStoreMs', 3_000)
]
