import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort, startEngine, startPlatformProcess } from '@plimsoll/bench'
import { type RivalName, rivalDesigns, startRival } from '@plimsoll/bench/rivals'
import { type Database, open } from '@plimsoll/database'
import { type Lane, startToxiproxy, type Toxiproxy } from '../engines/toxiproxy.ts'

/** Who is under the faults: ours and the stand-ins, each with a proxy before it and one between it and its database. */
export interface Target {
  name: string
  about: string
  lane: Lane
  storeLane: Lane
  key: string
  /** kill -9. */
  kill(): Promise<void>
  /** Ended in order, so that what it can still write is written. */
  stop(): Promise<void>
  /** Each event's id as text and how often it is counted. Not through any proxy. */
  counts(): Promise<{ id: string; times: number }[]>
}

/** The project that ours is sent to. */
const project = 'rivals'

export interface Targets {
  toxiproxy: Toxiproxy
  all: readonly Target[]
}

/** Five databases on one PostgreSQL, one Redis, five servers. What is set up goes on the stack at once. */
export async function setTargets(stack: AsyncDisposableStack, folder: string): Promise<Targets> {
  const toxiproxy = await startToxiproxy()
  stack.defer(toxiproxy.stop)
  const redis = await startEngine('redis')
  stack.defer(redis.stop)
  const server = await startEngine('postgresql')
  stack.defer(server.stop)
  const admin = await open(server.url, { poolSize: 1 })
  stack.defer(() => admin.close())

  const base = async (name: string) => {
    const database = name.replaceAll('-', '_')
    await admin.exec(`create database ${database}`)
    const storeLane = await toxiproxy.proxy(`store-${name}`, `127.0.0.1:${server.port}`)
    const direct = await open(`postgres://plimsoll@127.0.0.1:${server.port}/${database}`, { poolSize: 1 })
    stack.defer(() => direct.close())
    const port = await freePort()
    return {
      port,
      direct,
      storeLane,
      storeUrl: `postgres://plimsoll@${storeLane.host}:${storeLane.port}/${database}`,
      lane: await toxiproxy.proxy(`front-${name}`, `127.0.0.1:${port}`)
    }
  }
  const rival = async (name: RivalName): Promise<Target> => {
    const { port, direct, storeUrl, storeLane, lane } = await base(name)
    const { kill, stop } = await startRival({ name, port, storeUrl, redisUrl: redis.url })
    stack.defer(stop)
    return {
      ...{ name, about: rivalDesigns[name], lane, storeLane, key: 'none', stop },
      kill: async () => kill(),
      counts: () => counted(direct, 'select event_id as id, count(*)::int as times from events group by 1')
    }
  }
  const ours = async (): Promise<Target> => {
    const { port, direct, storeUrl, storeLane, lane } = await base('plimsoll-ours')
    const data = join(folder, 'data')
    await mkdir(data)
    const platform = await startPlatformProcess({
      data,
      env: { PLIMSOLL_DATABASE_URL: storeUrl },
      flags: ['--port', String(port), '--log-level', 'fatal']
    })
    stack.defer(() => platform.stop())
    return {
      ...{ name: 'plimsoll', about: 'the id and the row in one transaction', lane, storeLane },
      key: await platform.createKey(project),
      kill: async () => void process.kill(await platform.platformPid(), 'SIGKILL'),
      stop: () => platform.stop(),
      counts: () =>
        counted(
          direct,
          `select id::text, count(*)::int as times from eventlog.entries where tenant = '${project}'
          and type in ('session.start', 'session.heartbeat', 'session.end', 'feature.used') group by 1`
        )
    }
  }
  const all: Target[] = [await ours()]
  for (const name of Object.keys(rivalDesigns) as RivalName[]) all.push(await rival(name))
  return { toxiproxy, all }
}

async function counted(database: Database, sql: string): Promise<{ id: string; times: number }[]> {
  return (await database.query<{ id: string; times: number }>(sql)).rows
}
