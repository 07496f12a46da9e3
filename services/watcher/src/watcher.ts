import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type Seen, WatcherBlackBox } from './black-box.ts'
import type { Report } from './contract.ts'
import { Exits } from './exits.ts'
import { createWatcherServer } from './server.ts'
import { type Ended, Supervisor } from './supervisor.ts'

export interface WatcherOptions {
  /** The module the platform process runs, and what it is told first. */
  module: string
  start: unknown
  host: string
  /** 0 takes a free one. */
  port: number
  /** File of the last exits. */
  exitsFile: string
  /** Where the watcher records what it sees, and the data folder whose disk it measures. Default: it records nothing. */
  blackBox?: { directory: string; data: string }
  onListening?(url: string): void
  /** The black box cannot be written. The watcher goes on without. */
  onRecorderError?(error: unknown): void
  onReady?(report: Extract<Report, { kind: 'ready' }>, restarts: number): void
  onExit?(exit: Ended): void
}

export interface Watcher {
  url: string
  /** Resolves with the exit code when the platform was stopped, or could not start. */
  ended: Promise<{ code: number; complaint: string | undefined }>
  /** @param why what asked for it, for the black box: a signal */
  stop(why?: string): void
}

/** Starts the watcher and, under it, the platform. */
export async function startWatcher(options: WatcherOptions): Promise<Watcher> {
  let address: string | undefined
  let healthUrl: string | undefined
  const exits = new Exits(options.exitsFile)
  const supervisor = new Supervisor({
    module: options.module,
    start: options.start,
    exits,
    onReady(report, restarts) {
      address = report.url
      healthUrl = report.healthUrl
      options.onReady?.(report, restarts)
    },
    onRefused: why => blackBox?.refusedToStart(why),
    onExit(exit) {
      blackBox?.exited(exit)
      options.onExit?.(exit)
    }
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
  const blackBox = open(options, () => ({
    phase: supervisor.phase,
    pid: supervisor.pid,
    lastBeat: supervisor.lastBeat,
    addresses: address !== undefined && healthUrl !== undefined ? { url: address, healthUrl } : undefined
  }))
  const ended = supervisor.run().then(code => {
    blackBox?.close(code === 0 ? 'the platform was stopped' : 'the platform could not start')
    server.close()
    server.closeAllConnections()
    return { code, complaint: supervisor.complaint }
  })
  return {
    url,
    ended,
    stop(why = 'stop') {
      blackBox?.signalled(why)
      supervisor.stop()
    }
  }
}

function open({ blackBox, onRecorderError }: WatcherOptions, observe: () => Seen): WatcherBlackBox | undefined {
  try {
    return blackBox && new WatcherBlackBox({ ...blackBox, observe })
  } catch (error) {
    onRecorderError?.(error)
    return undefined
  }
}
