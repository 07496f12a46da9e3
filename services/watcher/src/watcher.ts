import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Report } from './contract.ts'
import { Exits } from './exits.ts'
import { createWatcherServer } from './server.ts'
import { Supervisor } from './supervisor.ts'

export interface WatcherOptions {
  /** The module the platform process runs, and what it is told first. */
  module: string
  start: unknown
  host: string
  /** 0 takes a free one. */
  port: number
  /** File of the last exits. */
  exitsFile: string
  onListening?(url: string): void
  onReady?(report: Extract<Report, { kind: 'ready' }>, restarts: number): void
  onExit?(exit: { code: number | null; signal: string | null; restartInMs: number | undefined }): void
}

export interface Watcher {
  url: string
  /** Resolves with the exit code when the platform was stopped, or could not start. */
  ended: Promise<{ code: number; complaint: string | undefined }>
  stop(): void
}

/** Starts the watcher and, under it, the platform. */
export async function startWatcher(options: WatcherOptions): Promise<Watcher> {
  let address: string | undefined
  const exits = new Exits(options.exitsFile)
  const supervisor = new Supervisor({
    module: options.module,
    start: options.start,
    exits,
    onReady(report, restarts) {
      address = report.url
      options.onReady?.(report, restarts)
    },
    ...(options.onExit ? { onExit: options.onExit } : {})
  })
  const server = createWatcherServer(() => ({
    now: Date.now(),
    phase: supervisor.phase,
    lastBeat: supervisor.lastBeat,
    restarts: supervisor.restarts,
    known: supervisor.known,
    exits: exits.all,
    address
  }))
  server.listen(options.port, options.host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const url = `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`
  options.onListening?.(url)
  const ended = supervisor.run().then(code => {
    server.close()
    server.closeAllConnections()
    return { code, complaint: supervisor.complaint }
  })
  return { url, ended, stop: () => supervisor.stop() }
}
