import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { MetadataProcess } from '../metadata-process.ts'

const run = promisify(execFile)

/** An HTTPS server whose certificate can end. */
export interface Door {
  url: string
  /** File of the certificate that is to be trusted. */
  authority: string
  /** From now on its certificate is one that has ended; or a good one again. */
  expire(): Promise<void>
  renew(): Promise<void>
  close(): Promise<void>
}

/** The metadata API behind HTTPS, by a certificate of our own that ends when we say so. */
export async function expiringDoor(metadata: MetadataProcess, folder: string): Promise<Door> {
  const key = join(folder, 'door.key')
  await run('openssl', ['genrsa', '-out', key, '2048'])
  const certificate = async (name: string, days: number) => {
    const file = join(folder, `${name}.pem`)
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost']
    await run('openssl', ['req', '-x509', '-key', key, '-days', String(days), '-out', file, ...subject])
    return file
  }
  const good = await certificate('good', 30)
  // It ends in the second in which it is made.
  const ended = await certificate('ended', 0)
  const authority = join(folder, 'authority.pem')
  const trusted = await Promise.all([good, ended].map(file => readFile(file, 'utf8')))
  await writeFile(authority, trusted.join('\n'))
  const contextOf = async (file: string) => ({ key: await readFile(key), cert: await readFile(file) })
  const server = createServer(await contextOf(good), (incoming, outgoing) => {
    const { method, url, headers } = incoming
    const onward = request(new URL(url ?? '/', metadata.url), { method, headers }, answer => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    onward.on('error', () => outgoing.destroy())
    incoming.pipe(onward)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const show = async (file: string) => {
    server.setSecureContext(await contextOf(file))
    // Connections that are open were made by the certificate before.
    server.closeAllConnections()
  }
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    authority,
    expire: () => show(ended),
    renew: () => show(good),
    async close() {
      server.closeAllConnections()
      server.close()
    }
  }
}
