import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type Seen, WatcherBlackBox } from './black-box.ts'
import type { Report } from './contract.ts'
import { Exits } from './exits.ts'
import { type FollowedIncidents, followIncidents, type IncidentOptions } from './incidents/follow-incidents.ts'
import { createWatcherServer, type Doors } from './server.ts'
import { type Ended, Supervisor } from './supervisor.ts'
import { Looker } from './why/looker.ts'

export interface WatcherOptions {
  /** The module the platform process runs. */
  module: string
  /** What it is told first, given where this watcher answers. */
  start(watcherUrl: string): unknown
  host: string
  /** 0 takes a free one. */
  port: number
  /** File of the last exits. */
  exitsFile: string
  /** Where the watcher records what it sees, and the data folder whose disk it measures. Default: it records nothing. */
  blackBox?: { directory: string; data: string }
  /** Folder of the rings of platform and watcher, to say why from. Default: it cannot say why. */
  recorder?: string
  /** Follows incidents and tells of them; needs `recorder`. Default: it does not. */
  incidents?: IncidentOptions
  /** Whether the numbers of the dashboard may be shown to whoever asks. Default: to everyone. */
  maySeeNumbers?: Doors['maySeeNumbers']
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
  let url = ''
  let incidents: FollowedIncidents | undefined
  const exits = new Exits(options.exitsFile)
  const supervisor = new Supervisor({
    module: options.module,
    get start() {
      return options.start(url)
    },
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
  const onError = options.incidents?.onError
  const looker =
    options.recorder === undefined
      ? undefined
      : new Looker({ directory: options.recorder, ...(onError && { onError }) })
  const observe = () => ({
    now: Date.now(),
    phase: supervisor.phase,
    lastBeat: supervisor.lastBeat,
    restarts: supervisor.restarts,
    known: supervisor.known,
    exits: exits.all,
    address
  })
  const server = createWatcherServer(observe, {
    ...(looker && { look: options => looker.look(options) }),
    incidents: () => incidents?.incidents,
    ...(options.maySeeNumbers && { maySeeNumbers: options.maySeeNumbers })
  })
  server.listen(options.port, options.host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  url = `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`
  options.onListening?.(url)
  incidents =
    looker &&
    options.incidents &&
    followIncidents(looker, {
      ...options.incidents,
      page: options.incidents.page || url,
      // A first start may take its time, and a stop that was asked for is no incident.
      goesOn: () => address !== undefined && supervisor.phase !== 'stopping',
      note: (standing, now) => blackBox?.goesOn(standing, now)
    })
  const blackBox = open(options, () => ({
    phase: supervisor.phase,
    pid: supervisor.pid,
    lastBeat: supervisor.lastBeat,
    addresses: address !== undefined && healthUrl !== undefined ? { url: address, healthUrl } : undefined
  }))
  const ended = supervisor.run().then(async code => {
    if (code !== 0) await incidents?.lastWords()
    blackBox?.close(code === 0 ? 'the platform was stopped' : 'the platform could not start')
    incidents?.close()
    void looker?.close()
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
