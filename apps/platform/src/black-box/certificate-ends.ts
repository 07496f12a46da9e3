import { lookup } from 'node:dns/promises'
import { isIP, connect as reach, type Socket } from 'node:net'
import { connect as secure } from 'node:tls'
import { brokerAddressOf } from '../broker/address.ts'
import type { Settings } from '../settings.ts'
import type { Figures } from './black-box.ts'

/** A server that shows a certificate to whoever connects. */
export interface Shower {
  /** As it is called in other series: no dots. */
  name: string
  host: string
  port: number
  /** PostgreSQL is asked for TLS first. */
  isPostgres?: boolean
}

/** The hundreds of days that most certificates have left are no news; the last thirty are, in milliseconds. */
const lastDaysMs = 30 * 86_400_000
/** Between looks, in milliseconds. */
const everyMs = 60_000

type Addresses = Pick<Settings, 'metadataUrl' | 'brokerUrl' | 'databaseUrl' | 'readDatabaseUrl'>

/** What of the platform's dependencies is reached over TLS. */
export function showersOf({ metadataUrl, brokerUrl, databaseUrl, readDatabaseUrl }: Addresses): Shower[] {
  const broker = brokerAddressOf(brokerUrl)
  return [
    ...showerAt('metadata', metadataUrl, { 'https:': 443 }),
    ...showerAt(broker?.kind ?? 'broker', broker?.url ?? '', { 'rediss:': 6379, 'amqps:': 5671 }),
    ...postgresAt('primary', databaseUrl),
    ...postgresAt('read', readDatabaseUrl)
  ]
}

/** @param ports of the protocols that are TLS from the first byte on, where the address names none */
function showerAt(name: string, url: string, ports: Readonly<Record<string, number>>): Shower[] {
  if (!URL.canParse(url)) return []
  const { protocol, hostname, port } = new URL(url)
  const usual = ports[protocol]
  if (usual === undefined || hostname === '') return []
  return [{ name, host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || usual }]
}

function postgresAt(name: string, url: string): Shower[] {
  if (!URL.canParse(url)) return []
  const { searchParams } = new URL(url)
  const mode = searchParams.get('sslmode') ?? process.env.PGSSLMODE
  const isSecure = mode ? mode !== 'disable' : /^(1|true|no-verify)$/.test(searchParams.get('ssl') ?? '')
  if (!isSecure) return []
  return showerAt(name, url, { 'postgres:': 5432, 'postgresql:': 5432 }).map(one => ({ ...one, isPostgres: true }))
}

export interface LookOptions {
  /** The time of day, and one that never jumps, in milliseconds. Default: the machine's. */
  now?(): number
  steady?(): number
  /** How long one waits for a server, in milliseconds. Default 5,000. */
  patienceMs?: number
}

interface Life {
  from: number
  to: number
}

/**
 * When each certificate ends, as `expiry.NAME`, and how long it lives, at most thirty days, as `expiry.NAME.span`. Looked at
 * once a minute, one server after the other, beside all else; nothing is sent. Of one that shows none nothing is said.
 */
export function certificateEnds(
  showers: readonly Shower[],
  { now = Date.now, steady = () => performance.now(), patienceMs = 5_000 }: LookOptions = {}
): Figures {
  const lives = new Map<string, Life>()
  let looking = false
  let next = Number.NEGATIVE_INFINITY
  const look = async () => {
    for (const shower of showers) {
      const life = await lifeOf(shower, patienceMs).catch(() => undefined)
      if (life) lives.set(shower.name, life)
      else lives.delete(shower.name)
    }
    looking = false
  }
  return () => {
    if (!looking && steady() >= next) {
      looking = true
      next = steady() + everyMs
      void look()
    }
    return Object.fromEntries(
      [...lives].flatMap(([name, { from, to }]): [string, number][] => [
        [`expiry.${name}`, to - now()],
        [`expiry.${name}.span`, Math.min(to - from, lastDaysMs)]
      ])
    )
  }
}

/** Of the certificate that is shown, valid or not: it is only looked at, and nobody is trusted for it. */
async function lifeOf({ host, port, isPostgres }: Shower, patienceMs: number): Promise<Life | undefined> {
  // A resolver that hangs keeps a thread of the pool, and cannot be told to stop. So the next look waits for it.
  const addresses = await lookup(host, { all: true })
  const plain = reach({
    host,
    port,
    lookup: (_, { all }, found) =>
      all ? found(null, addresses) : found(null, addresses[0]!.address, addresses[0]!.family)
  })
  const limit = setTimeout(() => plain.destroy(new Error('it took too long')), patienceMs)
  limit.unref()
  plain.unref()
  try {
    if (isPostgres && !(await takesTls(plain))) return undefined
    return await new Promise((resolve, reject) => {
      const socket = secure({
        socket: plain,
        rejectUnauthorized: false,
        ...(isIP(host) === 0 && { servername: host })
      })
      socket.once('secureConnect', () => {
        const { valid_from: from, valid_to: to } = socket.getPeerCertificate()
        const life = { from: Date.parse(from), to: Date.parse(to) }
        resolve(Number.isFinite(life.to - life.from) ? life : undefined)
        socket.destroy()
      })
      socket.on('error', reject)
      plain.on('error', reject)
      plain.once('close', () => reject(new Error('it was closed')))
    })
  } finally {
    clearTimeout(limit)
    plain.destroy()
  }
}

/** Length and number of PostgreSQL's question whether it takes TLS; `S` is its yes. */
const tlsRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])

function takesTls(socket: Socket): Promise<boolean> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('it was closed')))
    socket.once('data', answer => resolve(answer.toString('latin1') === 'S'))
    socket.write(tlsRequest)
  })
}
