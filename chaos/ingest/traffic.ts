import { join } from 'node:path'
import type { Client } from './clients/client.ts'
import { httpClient } from './clients/http-client.ts'
import { journalClient } from './clients/journal-client.ts'
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
}

/** The clients: on each way one that keeps its connections, one that makes one for each request, and one with a journal; curl on every other. */
export function traffic({ urls, key, seed, paceMs, folder }: TrafficOptions): Client[] {
  return urls.flatMap((url, way) => {
    const options = (kind: string) => ({ name: `${kind}-${way}`, seed, url, key, paceMs })
    const http = (kind: string, transport: typeof byFetch, atOnce: number) =>
      httpClient({ ...options(kind), transport, atOnce })
    return [
      http('fetch', byFetch, 3),
      http('connection', byConnection, 3),
      journalClient({ ...options('journal'), file: join(folder, `journal-${way}`) }),
      ...(way % 2 === 0 ? [http('curl', byCurl, 1)] : [])
    ]
  })
}
