import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openScratch } from '@plimsoll/database/testing'
import { createServer } from '@plimsoll/http'
import { createTelemetry } from '@plimsoll/service-telemetry'
import type { LedgerAnswer } from '@plimsoll/service-telemetry/ledger-contract'

const adminToken = 'the-admin-token-of-the-tests'

export interface RealTelemetry {
  url: string
  /** A write key of a project that nobody else uses, and the way to read its books. */
  newProject(): Promise<Project>
  close(): Promise<void>
}

export interface Project {
  key: string
  ledger(): Promise<LedgerAnswer>
  /** Ids, users and events of its sessions. */
  sessions(): Promise<{ id: string; user: { id: string }; endedAt: string | null; events: number }[]>
}

/**
 * The telemetry service itself, on a socket and a database of its own. Of its users it knows nobody.
 * @param origins whose pages may post; without it any
 */
export async function startTelemetry(origins?: readonly string[]): Promise<RealTelemetry> {
  const metadata = createHttpServer((request, response) => {
    request.resume()
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"users":{},"absent":[]}')
  })
  await new Promise<void>(resolve => metadata.listen(0, '127.0.0.1', resolve))
  const database = await openScratch()
  const metadataUrl = `http://127.0.0.1:${(metadata.address() as AddressInfo).port}`
  const telemetry = await createTelemetry({ database, metadataUrl, adminToken, origins })
  const app = await createServer({ title: 'Telemetry', version: '1' })
  await app.register(telemetry.routes)
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  let projects = 0
  return {
    url,
    async newProject() {
      const project = `app-${++projects}`
      const { token: key } = await telemetry.keys.create(project)
      const get = async (path: string) => {
        const response = await fetch(url + path, {
          headers: { authorization: `Bearer ${adminToken}`, 'x-plimsoll-project': project }
        })
        if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
        return response.json()
      }
      return {
        key,
        ledger: () => get('/v1/ledger'),
        sessions: async () => (await get('/v1/sessions?limit=200')).sessions
      }
    },
    async close() {
      await app.close()
      await telemetry.stop()
      await database.close()
      metadata.closeAllConnections()
      metadata.close()
    }
  }
}
