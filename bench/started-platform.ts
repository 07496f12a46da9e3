import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const cli = fileURLToPath(import.meta.resolve('@plimsoll/cli/bin'))

export interface StartedPlatform {
  url: string
  watcherUrl: string
  /** The platform process's own health thread. */
  healthUrl: string
  /** As it was printed: it works once. */
  signInLink: string
  host: string
  port: number
  data: string
  adminToken: string
  pid: number
  /** Asks the platform with the admin token; throws on anything but 2xx. */
  get<T>(path: string, project?: string): Promise<T>
  createKey(project: string): Promise<string>
  /** Process number of the platform under the watcher, now. */
  platformPid(): Promise<number>
  /** Resolves with the next line the watcher prints about a restarted platform. */
  nextReady(): Promise<{ url: string; restarts: number }>
  /** Ends both processes, and removes a temporary data folder unless it is to be kept. */
  stop(options?: { keepData?: boolean }): Promise<void>
  removeData(): Promise<void>
}

interface ReadyLine {
  url: string
  watcherUrl: string
  healthUrl: string
  signInLink: string
  restarts: number
}

export interface StartOptions {
  flags?: string[]
  env?: NodeJS.ProcessEnv
  /** A data folder to use and keep; by default a temporary one, removed at the end. */
  data?: string
  /** Another `plimsoll.js` than this checkout's. */
  program?: string
}

/** Starts the real thing, `plimsoll up`, in a folder of its own on free ports. */
export async function startPlatformProcess({
  flags = [],
  env = {},
  data,
  program = cli
}: StartOptions = {}): Promise<StartedPlatform> {
  const folder = data ?? (await mkdtemp(join(tmpdir(), 'plimsoll-run-')))
  const child: ChildProcess = spawn(
    process.execPath,
    [
      program,
      'up',
      '--json',
      '--no-demo',
      '--data',
      folder,
      '--port',
      '0',
      '--watcher-port',
      '0',
      '--health-port',
      '0',
      '--log-level',
      'warn',
      ...flags
    ],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } }
  )
  const lines = createInterface({ input: child.stdout! })
  const waiting: {
    resolve(line: ReadyLine): void
    reject(error: Error): void
  }[] = []
  const arrived: ReadyLine[] = []
  lines.on('line', line => {
    if (!line.startsWith('{')) return
    const parsed = JSON.parse(line) as ReadyLine
    const next = waiting.shift()
    if (next) next.resolve(parsed)
    else arrived.push(parsed)
  })
  child.once('exit', code => {
    for (const { reject } of waiting.splice(0)) reject(new Error(`plimsoll up ended with ${code}`))
  })
  const nextReady = () => {
    const already = arrived.shift()
    if (already) return Promise.resolve(already)
    return new Promise<ReadyLine>((resolve, reject) => waiting.push({ resolve, reject }))
  }
  const first = await nextReady()
  const platform: StartedPlatform = {
    url: first.url,
    watcherUrl: first.watcherUrl,
    healthUrl: first.healthUrl,
    signInLink: first.signInLink,
    host: new URL(first.url).hostname,
    port: Number(new URL(first.url).port),
    data: folder,
    adminToken: (await readFile(join(folder, 'admin-token'), 'utf8')).trim(),
    pid: child.pid!,
    async get<T>(path: string, project = 'default') {
      const response = await fetch(platform.url + path, {
        headers: { authorization: `Bearer ${platform.adminToken}`, 'x-plimsoll-project': project },
        signal: AbortSignal.timeout(60_000)
      })
      if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`)
      return (await response.json()) as T
    },
    async createKey(project) {
      const response = await fetch(`${platform.url}/v1/projects/${project}/keys`, {
        method: 'POST',
        headers: { authorization: `Bearer ${platform.adminToken}`, 'content-type': 'application/json' },
        body: '{}'
      })
      if (!response.ok) throw new Error(`making a key: ${response.status} ${await response.text()}`)
      return ((await response.json()) as { key: string }).key
    },
    async platformPid() {
      return (JSON.parse(await readFile(join(folder, 'platform.json'), 'utf8')) as { pid: number }).pid
    },
    async nextReady() {
      const ready = await nextReady()
      platform.url = ready.url
      platform.healthUrl = ready.healthUrl
      platform.host = new URL(ready.url).hostname
      platform.port = Number(new URL(ready.url).port)
      return ready
    },
    removeData: () => rm(folder, { recursive: true, force: true }),
    async stop({ keepData = data !== undefined } = {}) {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM')
        await once(child, 'exit')
      }
      if (!keepData) await rm(folder, { recursive: true, force: true })
    }
  }
  return platform
}
