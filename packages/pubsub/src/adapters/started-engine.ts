import { execFile, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const scriptOf = (engine: string, script: string) =>
  fileURLToPath(new URL(`../../../../deploy/engines/${engine}/${script}`, import.meta.url))

/** A port that was free a moment ago: another process may take it first, and then the server says so. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

export interface StartedEngine {
  url: string
  port: number
  folder: string
  /** SIGKILL to the process whose number the engine keeps in this file of its folder. */
  kill(pidFile: string): Promise<void>
  /** On the same port and folder. */
  start(): Promise<void>
  stop(): Promise<void>
}

/** An engine of `deploy/engines`, on a free port and a folder of its own. */
export async function startEngine(engine: string): Promise<StartedEngine> {
  const folder = mkdtempSync(join(tmpdir(), `plimsoll-${engine}-`))
  const port = await freePort()
  const start = async () =>
    (await run(scriptOf(engine, 'start'), [String(port), folder], { timeout: 120_000 })).stdout.trim()
  const stop = async () => {
    await run(scriptOf(engine, 'stop'), [folder], { timeout: 60_000 }).catch(() => undefined)
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  let url: string
  try {
    url = await start()
  } catch (error) {
    await stop()
    throw error
  }
  return {
    url,
    port,
    folder,
    async kill(pidFile) {
      const pid = Number(readFileSync(join(folder, pidFile), 'utf8'))
      process.kill(pid, 'SIGKILL')
      while (existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(stateOf(pid))) {
        await new Promise(resolve => setTimeout(resolve, 5))
      }
    },
    start: async () => void (await start()),
    stop
  }
}

function stateOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return 'State:\tZ'
  }
}

export interface CuttableWay {
  port: number
  cut(): Promise<void>
  mend(): Promise<void>
  close(): Promise<void>
}

/** A way to a port of this machine through toxiproxy. */
export async function startWay(upstream: number): Promise<CuttableWay> {
  const proxy = await startEngine('toxiproxy')
  const port = await freePort()
  const ask = async (path: string, body: unknown) => {
    const answer = await fetch(`${proxy.url}${path}`, { method: 'POST', body: JSON.stringify(body) })
    if (!answer.ok) throw new Error(`toxiproxy answers ${answer.status}: ${await answer.text()}`)
  }
  await ask('/proxies', { name: 'way', listen: `127.0.0.1:${port}`, upstream: `127.0.0.1:${upstream}`, enabled: true })
  return {
    port,
    cut: () => ask('/proxies/way', { enabled: false }),
    mend: () => ask('/proxies/way', { enabled: true }),
    close: () => proxy.stop()
  }
}

/**
 * Runs a suite that needs an engine and toxiproxy, or skips it with the reason. It has nothing to do with which database the
 * other suites run on, so it runs with one of them.
 */
export function withEngine(name: string, program: string, args: string[], suite: () => void): void {
  if (process.env.PLIMSOLL_DATABASE_URL !== undefined) return
  const missing = [
    spawnSync(program, args).status === 0 ? '' : name,
    spawnSync(scriptOf('toxiproxy', 'program')).status === 0 ? '' : 'toxiproxy'
  ].filter(Boolean)
  if (missing.length === 0) {
    suite()
    return
  }
  describe(`pubsub conformance: ${name}`, () => {
    const reason = `${missing.join(' and ')} not installed; run deploy/engines/${missing[0]}/install`
    it('passes', { skip: reason }, () => undefined)
  })
}
