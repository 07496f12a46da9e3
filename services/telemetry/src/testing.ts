import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { type Database, open } from '@plimsoll/database'
import { scratchDatabase } from '@plimsoll/database/testing'
import { createServer } from '@plimsoll/http'
import { type ManualClock, manualClock } from '@plimsoll/resilience'
import { createTelemetry, type Telemetry, type TelemetryOptions } from './service.ts'

/** What the tests' metadata API does: answers, fails, or takes requests and never answers. */
export type Mood = 'well' | 'failing' | 'mute'

export interface Answer {
  status: number
  headers: Headers
  text: string
  /** The parsed body; undefined when it is empty. */
  // biome-ignore lint/suspicious/noExplicitAny: what an answer holds is what the tests are about
  body: any
}

export interface RunningTelemetry {
  telemetry: Telemetry
  url: string
  /** Time of the policies and of the budget; the wall clock is the machine's. */
  clock: ManualClock
  writeKey: string
  backfillKey: string
  metadata: { mood: Mood; asked: number }
  /** What the read side claims to have counted, by project. */
  counted: Map<string, number>
  /** Method and path of every route of the service. */
  routes: { method: string; path: string }[]
  send(method: string, path: string, options?: SendOptions): Promise<Answer>
  /** Makes the store wait, until the returned function is called: a lock that everything needs. */
  holdStore(): Promise<() => Promise<void>>
  /** The store itself. */
  database: Database
  /** What the service warned of. */
  warnings: { message: string; details: object }[]
  /** Closes the database alone, as when the store is lost. */
  loseStore(): Promise<void>
  /** Opens it again. */
  returnStore(): Promise<void>
  close(): Promise<void>
}

export interface SendOptions {
  /** Strings and bytes are sent as they are, anything else as JSON. */
  body?: unknown
  headers?: Record<string, string>
  /** Bearer token; `null` sends none. Default: the write key for what writes, the admin token for GET. */
  token?: string | null
}

export interface RunOptions {
  /** Where the spool is, and how large. */
  spool?: TelemetryOptions['spool']
  /** How long events are kept, in milliseconds. Default: for ever. */
  keepMs?: number
  /** Address of a database that is there and stays. Default: one of its own. */
  databaseUrl?: string
  /** How it is opened. */
  databaseOptions?: Parameters<typeof open>[1]
}

export const adminToken = 'admin-token-of-the-tests'

/** Who has metadata: `pro-…` and `free-…` do, anybody else is absent. The flags' order is none that a store keeps. */
export function metadataOf(id: string): { tier: string; region: string; flags: Record<string, boolean> } | undefined {
  const tier = /^(pro|free)-/.exec(id)?.[1]
  return tier === undefined ? undefined : { tier, region: 'eu', flags: { zebra: true, longest_name: false, ab: true } }
}

async function startMetadata(state: { mood: Mood; asked: number }) {
  const server = createHttpServer(async (request, response) => {
    state.asked++
    const { ids } = (await json(request)) as { ids: string[] }
    if (state.mood === 'mute') return
    const users = Object.fromEntries(ids.flatMap(id => (metadataOf(id) ? [[id, metadataOf(id)]] : [])))
    response.writeHead(state.mood === 'well' ? 200 : 500, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ users, absent: ids.filter(id => !metadataOf(id)) }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** A database that can be closed and opened again behind the back of who uses it, as a server is. */
async function reopenable(url: string, options: RunOptions['databaseOptions']) {
  let inner = await open(url, options)
  const database: Database = {
    engine: inner.engine,
    query: (sql, parameters) => inner.query(sql, parameters),
    exec: sql => inner.exec(sql),
    copyIn: (table, columns, rows) => inner.copyIn(table, columns, rows),
    transaction: (work, options) => inner.transaction(work, options),
    commit: (sql, parameters, notifications) => inner.commit(sql, parameters, notifications),
    call: (module, argument) => inner.call(module, argument),
    listen: (channel, listener) => inner.listen(channel, listener),
    statistics: () => inner.statistics(),
    get exited() {
      return inner.exited
    },
    close: () => inner.close()
  }
  return {
    database,
    lose: () => inner.close(),
    async return() {
      inner = await open(url, options)
    }
  }
}

/** The whole service on a real socket, a real database and a metadata API of its own. */
export async function runTelemetry(options: RunOptions = {}): Promise<RunningTelemetry> {
  const { spool, keepMs, databaseUrl, databaseOptions } = options
  const scratch = databaseUrl === undefined ? await scratchDatabase() : undefined
  const { database, ...store } = await reopenable(databaseUrl ?? scratch!.url, databaseOptions)
  const state = { mood: 'well' as Mood, asked: 0 }
  const { server, url: metadataUrl } = await startMetadata(state)
  const clock = manualClock()
  const counted = new Map<string, number>()
  const warnings: RunningTelemetry['warnings'] = []
  const telemetry = await createTelemetry({
    database,
    metadataUrl,
    adminToken,
    clock,
    keepMs,
    spool,
    onWarning: (message, details) => warnings.push({ message, details }),
    counted: async project => counted.get(project) ?? null
  })
  const app = await createServer({ title: 'Telemetry', version: '1' })
  const routes: { method: string; path: string }[] = []
  app.addHook('onRoute', route => {
    for (const method of [route.method].flat()) if (method !== 'HEAD') routes.push({ method, path: route.url })
  })
  await app.register(telemetry.routes)
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const writeKey = (await telemetry.keys.create('shop')).token
  const backfillKey = (await telemetry.keys.create('shop', { backfill: true })).token

  const send = async (method: string, path: string, { body, headers, token }: SendOptions = {}): Promise<Answer> => {
    const raw = typeof body === 'string' || body instanceof Uint8Array
    const bearer = token === undefined ? (method === 'GET' ? adminToken : writeKey) : token
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
        ...(method === 'GET' && bearer === adminToken ? { 'x-plimsoll-project': 'shop' } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers
      },
      ...(body === undefined ? {} : { body: raw ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body) })
    })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: text === '' ? undefined : JSON.parse(text)
    }
  }
  const holdStore = async () => {
    const held = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    const transaction = database.transaction(async tx => {
      await tx.exec('lock table telemetry.sessions, telemetry.ledger, telemetry.keys in access exclusive mode')
      held.resolve()
      await release.promise
    })
    await held.promise
    return () => {
      release.resolve()
      return transaction
    }
  }
  return {
    telemetry,
    url,
    clock,
    writeKey,
    backfillKey,
    metadata: state,
    counted,
    routes,
    send,
    holdStore,
    database,
    warnings,
    loseStore: store.lose,
    returnStore: store.return,
    async close() {
      await app.close()
      await telemetry.stop()
      await store.lose()
      await scratch?.remove()
      server.closeAllConnections()
      server.close()
    }
  }
}
