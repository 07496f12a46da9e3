import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** Engines by the scripts of `deploy/engines`, in a folder of their own, on a free port of the loopback. */

const scripts = fileURLToPath(new URL('../../deploy/engines/', import.meta.url))
const run = promisify(execFile)

export interface Engine {
  url: string
  port: number
  folder: string
  /** Starts it again where it was; for one that was killed. */
  startAgain(): Promise<void>
  stop(): Promise<void>
}

/** Rejects with the script's own words when the engine is not installed or does not start. */
export async function startEngine(name: 'toxiproxy' | 'postgresql' | 'redis'): Promise<Engine> {
  const folder = await mkdtemp(join(tmpdir(), `plimsoll-chaos-${name}-`))
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
    return { url, port, folder, stop, startAgain: async () => void (await script('start', String(port), folder)) }
  } catch (error) {
    await stop()
    throw error
  }
}

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
