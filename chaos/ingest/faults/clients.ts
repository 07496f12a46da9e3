import type { BrowserFault, Client } from '../clients/client.ts'
import { pick } from '../random.ts'
import type { Fault, Hand } from './fault.ts'

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
    async play({ clients }, { forMs }, hand) {
      await hitOne(
        hand,
        clients.filter(client => client.kill !== undefined)
      ).kill!(forMs)
    }
  },
  {
    kind: 'clock-jump',
    about: 'the clock of a client jumps by hours or days',
    group: 'clock-jump',
    shortestMs: 500,
    longestMs: 1_500,
    async play({ clients }, { forMs }, hand) {
      const jumping = clients.filter(client => client.setClock !== undefined)
      hitOne(hand, jumping).setClock!(pick(hand.random, jumps))
      // It stays so until the next jump.
      await hand.wait(forMs)
    }
  },
  browser('offline', 'the page is offline', 500, 4_000),
  browser('reload', 'the page is loaded again, in the middle of a call', 300, 1_000),
  browser('reopen', 'the page is closed, and opened again later', 300, 2_000),
  browser('two-tabs', 'a second tab records with the first, and is closed', 1_500, 4_000),
  browser('restart', 'the browser is closed, and started again with the same profile', 2_000, 4_000)
]

/** One of the kind that was hit least. */
function hitOne({ random, hit, leastHit }: Hand, clients: readonly Client[]): Client {
  const { kind } = leastHit(clients, ({ kind }) => kind)
  const client = pick(
    random,
    clients.filter(client => client.kind === kind)
  )
  hit({ client: client.name, clientKind: kind })
  return client
}

function browser(how: BrowserFault, about: string, shortestMs: number, longestMs: number): Fault {
  const suffering = (clients: readonly Client[]) => clients.filter(client => client.suffer !== undefined)
  return {
    kind: `browser-${how}`,
    about,
    group: 'browser',
    shortestMs,
    longestMs,
    missing: ({ clients }) => (suffering(clients).length > 0 ? undefined : 'the SDK in Chromium does not take part'),
    async play({ clients }, { forMs }, hand) {
      await hitOne(hand, suffering(clients)).suffer![how](forMs)
    }
  }
}
