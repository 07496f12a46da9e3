import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as nap } from 'node:timers/promises'
import { type Engine, freePort, type StartedPlatform, startEngine, startPlatformProcess } from '@plimsoll/bench'
import { testTemplate } from '@plimsoll/database/testing'
import { MetadataProcess } from '@plimsoll/drills'
import { startToxiproxy, type Toxiproxy } from '../engines/toxiproxy.ts'
import type { Stage } from './faults/index.ts'
import { smallDisk } from './small-disk.ts'

/** The project that the clients send to. */
export const project = 'chaos'

export interface SetStage extends Omit<Stage, 'clients'> {
  toxiproxy: Toxiproxy
  key: string
  folder: string
  /** Address of the primary store, not through any proxy. An embedded one can be opened when the platform has stopped. */
  storeUrl: string
  /** The same of the read store. */
  readUrl: string
  /** Times that the watcher started the platform again. */
  readonly restarts: number
}

export interface StageOptions {
  store: 'pglite' | 'postgres'
  /** Room for the embedded stores, in megabytes. */
  diskMegabytes: number
}

/** Sets up everything that is to be broken. What it has set up goes on the stack at once, so that a failure leaves nothing. */
export async function setStage(stack: AsyncDisposableStack, options: StageOptions): Promise<SetStage> {
  const toxiproxy = await startToxiproxy()
  stack.defer(toxiproxy.stop)
  const folder = await mkdtemp(join(tmpdir(), 'plimsoll-chaos-'))
  stack.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))

  const server = options.store === 'postgres' ? await startEngine('postgresql') : undefined
  if (server) stack.defer(server.stop)
  const lane = server && (await toxiproxy.proxy('store', `127.0.0.1:${server.port}`))
  const postgres = server && lane && { lane, kill: (downMs: number) => killServer(server, downMs) }

  const data = join(folder, 'data')
  await mkdir(data)
  const disk = server ? undefined : await smallDisk(data, options.diskMegabytes)
  if (disk) stack.defer(disk.remove)

  const metadata = new MetadataProcess(join(folder, 'metadata'))
  stack.defer(() => metadata.kill())
  await metadata.start()
  await metadata.fault({ latencyMs: 5 })

  const platform = await startPlatformProcess({
    data,
    env: {
      PLIMSOLL_DATABASE_TEMPLATE: await testTemplate(),
      PLIMSOLL_DATABASE_URL: lane ? `postgres://plimsoll@${lane.host}:${lane.port}/plimsoll` : ''
    },
    flags: [
      ...['--port', String(await freePort()), '--metadata-url', metadata.url, '--fault-knobs'],
      // What it says of faults that are played on purpose would drown the progress, unless it is asked for.
      ...['--log-level', process.env.PLIMSOLL_LOG_LEVEL || 'fatal']
    ]
  })
  stack.defer(() => platform.stop())
  const count = countRestarts(platform)
  const upstream = `127.0.0.1:${platform.port}`
  return {
    platform,
    metadata,
    toxiproxy,
    folder,
    disk,
    postgres,
    lanes: await Promise.all(['north', 'east', 'south', 'west'].map(name => toxiproxy.proxy(name, upstream))),
    key: await platform.createKey(project),
    storeUrl: server ? server.url : `pglite://${join(data, 'primary')}`,
    readUrl: server ? server.url : `pglite://${join(data, 'read')}`,
    get restarts() {
      return count.restarts
    }
  }
}

function countRestarts(platform: StartedPlatform): { restarts: number } {
  const count = { restarts: 0 }
  const watch = async () => {
    for (;;) count.restarts = (await platform.nextReady()).restarts
  }
  // It rejects when the platform is stopped at the end.
  watch().catch(() => undefined)
  return count
}

async function killServer(server: Engine, downMs: number): Promise<void> {
  const pid = Number((await readFile(join(server.folder, 'data', 'postmaster.pid'), 'utf8')).split('\n')[0])
  process.kill(pid, 'SIGKILL')
  await nap(downMs)
  // Its children hold the shared memory until they notice that it is gone.
  for (let tries = 0; ; tries++) {
    try {
      return await server.startAgain()
    } catch (error) {
      if (tries === 10) throw error
      await nap(300)
    }
  }
}
