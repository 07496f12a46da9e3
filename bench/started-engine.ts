import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as nap } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** Engines by the scripts of `deploy/engines`, in a folder of their own, on a free port of the loopback. */

const scripts = fileURLToPath(new URL('../deploy/engines/', import.meta.url))
const run = promisify(execFile)

export type EngineName = 'toxiproxy' | 'postgresql' | 'redis' | 'rabbitmq' | 'kafka' | 'nats' | 'gcp-pubsub'

export interface Engine {
  url: string
  port: number
  folder: string
  /** SIGKILL to the process whose number is the first line of this file of its folder. */
  kill(pidFile: string): Promise<void>
  /** Starts it again where it was; for one that was killed. */
  startAgain(): Promise<void>
  stop(): Promise<void>
}

/** Rejects with the script's own words when the engine is not installed or does not start. */
export async function startEngine(name: EngineName): Promise<Engine> {
  const folder = await mkdtemp(join(tmpdir(), `plimsoll-${name}-`))
  const port = await freePort()
  const script = async (verb: string, ...args: string[]) => {
    try {
      // What a server that stays writes must not hold the pipe: the scripts see to that.
      return (await run(join(scripts, name, verb), args, { timeout: 90_000 })).stdout.trim()
    } catch (error) {
      const { stderr, message } = error as { stderr?: string; message: string }
      throw new Error(stderr?.trim() || message)
    }
  }
  const stop = async () => {
    await script('stop', folder).catch(() => undefined)
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const url = await script('start', String(port), folder)
    return {
      url,
      port,
      folder,
      stop,
      async kill(pidFile) {
        const pid = Number((await readFile(join(folder, pidFile), 'utf8')).split('\n')[0])
        process.kill(pid, 'SIGKILL')
        while (isRunning(await readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''))) await nap(10)
      },
      startAgain: async () => void (await script('start', String(port), folder))
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** A process that is dead and that nobody has asked about is still there. */
const isRunning = (status: string) => status !== '' && !/^State:\s+Z/m.test(status)

/** Why an engine that has a `program` script cannot be started here; absent = it can. */
export async function absence(name: 'toxiproxy'): Promise<string | undefined> {
  return run(join(scripts, name, 'program')).then(
    () => undefined,
    (error: { stderr?: string; message: string }) => error.stderr?.trim() || error.message
  )
}

/** A port that was free a moment ago: another process may take it first, and then the server says so. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
