import { join } from 'node:path'
import type { Client } from './clients/client.ts'
import { httpClient } from './clients/http-client.ts'
import { journalClient } from './clients/journal-client.ts'
import { chromiumMissing, sdkChromiumClient } from './clients/sdk-chromium-client.ts'
import { sdkNodeClient } from './clients/sdk-node-client.ts'
import { byConnection, byCurl, byFetch } from './clients/transport.ts'

export interface TrafficOptions {
  /** One address for each way to the platform. */
  urls: readonly string[]
  key: string
  seed: number
  /** Between two deliveries of one line of a client, on average, in milliseconds. */
  paceMs: number
  /** For the journals. */
  folder: string
  /** Whether the run is too short for a browser, and for long lives. */
  short: boolean
}

/** Why there is no SDK in Chromium; absent = there is. */
export const withoutChromium = ({ short }: Pick<TrafficOptions, 'short'>): string | undefined =>
  short ? 'a browser takes its time: not in runs of less than a minute' : chromiumMissing()

/**
 * The clients: on each way one that keeps its connections, one that makes one for each request, and one with a journal;
 * curl on every other, and the SDK in Node on the rest, in two programs that share a folder; one Chromium.
 */
export function traffic({ urls, key, seed, paceMs, folder, short }: TrafficOptions): Client[] {
  const clients = urls.flatMap((url, way) => {
    const options = (kind: string) => ({ name: `${kind}-${way}`, seed, url, key, paceMs })
    const http = (kind: string, transport: typeof byFetch, atOnce: number) =>
      httpClient({ ...options(kind), kind, transport, atOnce })
    return [
      http('fetch', byFetch, 3),
      http('connection', byConnection, 3),
      journalClient({ ...options('journal'), file: join(folder, `journal-${way}`) }),
      way % 2 === 0
        ? http('curl', byCurl, 1)
        : sdkNodeClient({
            ...options('sdk-node'),
            folder: join(folder, 'sdk'),
            journal: join(folder, `sdk-journal-${way}`),
            paceMs: 50,
            longestLifeMs: short ? 4_000 : 12_000
          })
    ]
  })
  if (withoutChromium({ short }) === undefined)
    clients.push(
      sdkChromiumClient({
        name: 'sdk-chromium',
        seed,
        url: urls.at(-2) ?? urls[0]!,
        key,
        profile: join(folder, 'profile'),
        paceMs: 100
      })
    )
  return clients
}
