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
  const inFolder = (...args: string[]) => run('openssl', args, { cwd: folder })
  await inFolder('genrsa', '-out', key, '2048')
  await writeFile(join(folder, 'door.cnf'), configuration)
  await inFolder('req', '-new', '-key', key, '-subj', '/CN=localhost', '-out', 'door.csr')
  const certificate = async (name: string, from: Date, until: Date) => {
    // Each by a register of its own: it takes a name once.
    await writeFile(join(folder, 'register'), '')
    const options = ['ca', '-batch', '-selfsign', '-notext', '-config', 'door.cnf', '-keyfile', key, '-in', 'door.csr']
    const times = ['-startdate', asn1(from), '-enddate', asn1(until), '-create_serial']
    await inFolder(...options, ...times, '-out', `${name}.pem`)
    return join(folder, `${name}.pem`)
  }
  const day = 86_400_000
  const at = (days: number) => new Date(Date.now() + days * day)
  const good = await certificate('good', at(-30), at(30))
  const ended = await certificate('ended', at(-30), at(-1))
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

/** `20260102030405Z` */
const asn1 = (time: Date) => `${time.toISOString().replace(/\D/g, '').slice(0, 14)}Z`

const configuration = `
[ca]
default_ca = own
[own]
new_certs_dir = .
database = register
serial = number
default_md = sha256
policy = any
x509_extensions = extensions
[any]
commonName = supplied
[extensions]
basicConstraints = CA:TRUE
subjectAltName = IP:127.0.0.1,DNS:localhost
`
