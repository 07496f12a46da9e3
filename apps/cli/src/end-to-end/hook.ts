import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

/** A webhook that takes what it is told of incidents. */
export interface Hook {
  url: string
  told: { event: string; at: string; incident: { title: string }; page: string }[]
  close(): void
}

export async function startHook(): Promise<Hook> {
  const told: Hook['told'] = []
  const server = createServer(async (request, response) => {
    told.push((await json(request)) as Hook['told'][number])
    response.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    told,
    close() {
      server.closeAllConnections()
      server.close()
    }
  }
}
