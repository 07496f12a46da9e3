import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort, type RunningLoad, type StartedPlatform, startLoad, startPlatformProcess } from '@plimsoll/bench'
import { MetadataProcess } from '../metadata-process.ts'
import { undoWhenInterrupted } from '../undo.ts'
import { startBroker } from './broker.ts'
import { expiringDoor } from './expiring-door.ts'
import type { Scene, StageName } from './fault.ts'
import { type Server, startServer } from './server.ts'

const run = promisify(execFile)

export interface Stage extends Scene {
  stop(): Promise<void>
}

/** Longer than any run: the load ends with its stage. */
const loadMs = 3_600_000
/** Batches a second of each project, and events in each: what two cores take with most of their time to spare. */
const rate = 30
const batchSize = 20

/** Starts a platform as `name` needs it, with the load on it that no drill is without: what is not `loaded` gets its own. */
export async function startStage(
  name: StageName,
  note: (line: string) => void,
  { loaded = true }: { loaded?: boolean } = {}
): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'plimsoll-drill-'))
  const data = join(folder, 'data')
  const ending: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })]
  const stop = async () => {
    for (const end of ending.splice(0).reverse()) await end().catch(error => note(`  ending: ${error.message}`))
    settled()
  }
  const settled = undoWhenInterrupted(stop)
  try {
    if (name === 'small-disk') ending.push(await mountSmall(data))
    const metadata = new MetadataProcess(join(folder, 'metadata'))
    await metadata.start()
    ending.push(() => metadata.kill())
    await metadata.fault({ latencyMs: 5 })
    let server: Server | undefined
    if (name === 'server') {
      server = await startServer()
      ending.push(server.stop)
    }
    const door = name === 'certificate' ? await expiringDoor(metadata, folder) : undefined
    if (door) ending.push(door.close)
    const broker = name === 'broker' ? await startBroker() : undefined
    if (broker) ending.push(broker.stop)
    const port = await freePort()
    const flags = [
      ...['--fault-knobs', '--log-level', 'silent', '--port', String(port)],
      ...['--metadata-url', door?.url ?? metadata.url],
      ...(server ? ['--database-url', server.url] : [])
    ]
    const env = {
      ...(door ? { NODE_EXTRA_CA_CERTS: door.authority } : {}),
      ...(broker ? { PLIMSOLL_BROKER_URL: broker.url } : {}),
      ...(name === 'small-memory' ? { NODE_OPTIONS: '--max-old-space-size=180' } : {})
    }
    let platform: StartedPlatform = await startPlatformProcess({ flags, env, data })
    ending.push(() => platform.stop({ keepData: true }))
    const keys = { shop: await platform.createKey('shop'), news: await platform.createKey('news') }
    const loads: RunningLoad[] = (loaded ? Object.values(keys) : []).map((key, index) =>
      startLoad({
        kind: 'batch',
        batchSize,
        host: platform.host,
        port,
        path: '/v1/events',
        users: 1_000_000,
        worker: 10 + index,
        connections: 32,
        rate,
        timeoutMs: 10_000,
        durationMs: loadMs,
        headers: { authorization: `Bearer ${key}` }
      })
    )
    ending.push(async () => {
      for (const load of loads) {
        load.done.catch(() => undefined)
        load.stop()
      }
    })
    for (const load of loads) load.done.catch(() => undefined)
    return {
      data,
      metadata,
      keys,
      note,
      stop,
      ...(server ? { server } : {}),
      ...(door ? { door } : {}),
      ...(broker ? { broker } : {}),
      async endLoad() {
        for (const load of loads) load.stop()
        await Promise.all(loads.map(load => load.done.catch(() => undefined)))
      },
      get platform() {
        return platform
      },
      async knob(faults) {
        const response = await fetch(`${platform.url}/admin/faults`, {
          method: 'PUT',
          headers: { authorization: `Bearer ${platform.adminToken}`, 'content-type': 'application/json' },
          body: JSON.stringify(faults),
          signal: AbortSignal.timeout(60_000)
        })
        if (!response.ok) throw new Error(`breaking the platform: ${response.status} ${await response.text()}`)
      },
      async restart({ flags: others = [], program, meanwhile }) {
        await platform.stop({ keepData: true })
        await meanwhile?.()
        platform = await startPlatformProcess({
          flags: [...flags, ...others],
          env,
          data,
          ...(program === undefined ? {} : { program })
        })
      }
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** @throws without the right to mount */
async function mountSmall(data: string): Promise<() => Promise<unknown>> {
  await run('mkdir', ['-p', data])
  await run('mount', ['-t', 'tmpfs', '-o', 'size=3g,mode=0700', 'plimsoll-drill', data])
  return () => run('umount', ['--lazy', data])
}
