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

/** The clients: on each way two that keep connections, two that make one for each request, curl, and two with a journal. */
export function traffic({ urls, key, seed, paceMs, folder }: TrafficOptions): Client[] {
  return urls.flatMap((url, way) => {
    const options = (kind: string) => ({ name: `${kind}-${way}`, seed, url, key, paceMs })
    const http = (kind: string, transport: typeof byFetch, atOnce: number) =>
      httpClient({ ...options(kind), transport, atOnce })
    const journal = (kind: string) => journalClient({ ...options(kind), file: join(folder, `${kind}-${way}.journal`) })
    return [
      http('fetch-a', byFetch, 3),
      http('fetch-b', byFetch, 3),
      http('connection-a', byConnection, 3),
      http('connection-b', byConnection, 3),
      http('curl', byCurl, 1),
      journal('journal-a'),
      journal('journal-b')
    ]
  })
}
