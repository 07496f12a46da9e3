import { pick } from '../random.ts'
import type { Fault } from './fault.ts'

/** What may happen to the clients. */

const hour = 3_600_000
/** Hours, days, and back to right. Seconds are not corrected, and change nothing. */
const jumps = [-26 * hour, -3 * hour, 0, 2 * hour, 50 * hour]

export const clientFaults: readonly Fault[] = [
  {
    kind: 'client-kill',
    about: 'kill -9 of a client with a journal',
    group: 'client-kill',
    shortestMs: 200,
    longestMs: 1_500,
    async play({ clients }, { forMs }, { random }) {
      await pick(
        random,
        clients.filter(client => client.kill !== undefined)
      ).kill!(forMs)
    }
  },
  {
    kind: 'clock-jump',
    about: 'the clock of a client jumps by hours or days',
    group: 'clock-jump',
    shortestMs: 200,
    longestMs: 1_000,
    async play({ clients }, { forMs }, { random, wait }) {
      const jumping = clients.filter(client => client.setClock !== undefined)
      pick(random, jumping).setClock!(pick(random, jumps))
      // It stays so until the next jump.
      await wait(forMs)
    }
  }
]
