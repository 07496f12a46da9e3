import { execFile } from 'node:child_process'
import { chmod, chown, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { freePort } from '@plimsoll/bench'
import { Client } from 'pg'

const run = promisify(execFile)
const scripts = fileURLToPath(new URL('../../deploy/engines/', import.meta.url))

/** A PostgreSQL of our own behind a network of our own (toxiproxy), so that both can be broken. */
export interface Server {
  /** Through the network, as the platform sees it. */
  url: string
  /** Each answer is later by so many milliseconds; 0 mends it. */
  delay(ms: number): Promise<void>
  /** Ends the server at once, without goodbye; and starts it again. */
  kill(): Promise<void>
  startAgain(): Promise<void>
  /** A connection past the network. Its owner ends it. */
  connect(): Promise<Client>
  /** Moves all tables to a small file system, which can then be filled. Undefined without the right to mount. */
  smallDisk(): Promise<{ fill(): Promise<void>; empty(): Promise<void> } | undefined>
  stop(): Promise<void>
}

/** @throws in the words of the scripts when PostgreSQL or toxiproxy is not installed */
export async function startServer(): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), 'plimsoll-drill-server-'))
  await chmod(folder, 0o755)
  const [pgPort, proxyPort] = [await freePort(), await freePort()]
  const script = async (engine: string, verb: string, ...args: string[]) =>
    (await run(join(scripts, engine, verb), args, { timeout: 90_000 })).stdout.trim()
  const pgFolder = join(folder, 'postgresql')
  const proxyFolder = join(folder, 'toxiproxy')
  const mounts: string[] = []
  const stop = async () => {
    await script('postgresql', 'stop', pgFolder).catch(() => undefined)
    await script('toxiproxy', 'stop', proxyFolder).catch(() => undefined)
    for (const mount of mounts) await run('umount', ['--lazy', mount]).catch(() => undefined)
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const direct = new URL(await script('postgresql', 'start', String(pgPort), pgFolder))
    const api = await script('toxiproxy', 'start', String(proxyPort), proxyFolder)
    const ask = async (method: string, path: string, body?: unknown) => {
      const response = await fetch(api + path, { method, ...(body ? { body: JSON.stringify(body) } : {}) })
      if (!response.ok && response.status !== 404)
        throw new Error(`toxiproxy: ${response.status} ${await response.text()}`)
      return response.json().catch(() => ({}))
    }
    const { listen } = (await ask('POST', '/proxies', {
      name: 'store',
      listen: '127.0.0.1:0',
      upstream: `127.0.0.1:${pgPort}`
    })) as { listen: string }
    const url = new URL(direct)
    url.host = listen
    const connect = async () => {
      const client = new Client({ connectionString: direct.href })
      client.on('error', () => undefined)
      await client.connect()
      return client
    }
    return {
      url: url.href,
      connect,
      stop,
      async delay(ms) {
        await ask('DELETE', '/proxies/store/toxics/late')
        if (ms > 0)
          await ask('POST', '/proxies/store/toxics', {
            name: 'late',
            type: 'latency',
            stream: 'downstream',
            attributes: { latency: ms, jitter: Math.round(ms / 5) }
          })
      },
      async kill() {
        const [pid] = (await run('head', ['-1', join(pgFolder, 'data/postmaster.pid')])).stdout.split('\n')
        process.kill(Number(pid), 'SIGQUIT')
      },
      async startAgain() {
        await script('postgresql', 'start', String(pgPort), pgFolder)
      },
      smallDisk: () => smallDisk(join(folder, 'small'), connect, mounts)
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function smallDisk(place: string, connect: () => Promise<Client>, mounts: string[]) {
  await run('mkdir', ['-p', place])
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=300m', 'plimsoll-drill', place])
  } catch {
    return undefined
  }
  mounts.push(place)
  const tables = join(place, 'tables')
  await run('mkdir', ['-p', tables])
  const owner = await stat(join(place, '../postgresql/data'))
  await chown(tables, owner.uid, owner.gid)
  const client = await connect()
  await client.query(`create tablespace small location '${tables}'`)
  for (const kind of ['table', 'index'])
    await patiently(() => client.query(`alter ${kind} all in tablespace pg_default set tablespace small`))
  await client.end()
  const ballast = join(place, 'ballast')
  return {
    // It ends with an error when there is no room left, which is what is wanted.
    fill: async () => void (await run('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=64k']).catch(() => undefined)),
    empty: () => rm(ballast, { force: true })
  }
}

/** It takes locks on all at once, and who writes meanwhile can be in the way (40P01). */
async function patiently(work: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await work()
      return
    } catch (error) {
      if ((error as { code?: string }).code !== '40P01' || tries === 20) throw error
    }
  }
}
