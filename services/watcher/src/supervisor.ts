import { type ChildProcess, fork } from 'node:child_process'
import { type BackOffOptions, nextWait } from './back-off.ts'
import type { KnownState, Report } from './contract.ts'
import type { Exits } from './exits.ts'

export interface SupervisorOptions {
  /** The module the platform process runs. */
  module: string
  /** Sent to it once, when it starts. */
  start: unknown
  exits: Exits
  backOff?: BackOffOptions
  /** How long a stopping platform may take before it is killed, in milliseconds. Default 15,000. */
  stopMs?: number
  onReady?(report: Extract<Report, { kind: 'ready' }>, restarts: number): void
  onExit?(exit: Ended): void
  /** The platform says that it cannot start, and why. */
  onRefused?(why: string): void
}

/** How a run of the platform ended. */
export interface Ended {
  code: number | null
  signal: string | null
  upMs: number
  /** Undefined when it is not started again. */
  restartInMs: number | undefined
}

export type Phase = 'starting' | 'ready' | 'down' | 'stopping' | 'failed'

/** Runs the platform process and starts it again when it dies. One that never became ready is not tried again. */
export class Supervisor {
  #options: SupervisorOptions
  #child: ChildProcess | undefined
  #phase: Phase = 'starting'
  #lastBeat = 0
  /** When this run became ready, in milliseconds since 1970. */
  #readyAt: number | undefined
  #known: KnownState | undefined
  #restarts = 0
  #everReady = false
  #wait: number | undefined
  #timer: NodeJS.Timeout | undefined
  #ended: ((code: number) => void) | undefined
  #complaint: string | undefined

  constructor(options: SupervisorOptions) {
    this.#options = options
  }

  get phase(): Phase {
    return this.#phase
  }

  get restarts(): number {
    return this.#restarts
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** The last report of the platform, of this run or an earlier one. */
  get known(): KnownState | undefined {
    return this.#known
  }

  /** When the platform last gave a sign of life, in milliseconds since 1970; 0 = never. */
  get lastBeat(): number {
    return this.#lastBeat
  }

  /** Why the platform could not start, in its own words. */
  get complaint(): string | undefined {
    return this.#complaint
  }

  /** Runs until `stop`, or until a first start fails. Resolves with the exit code to end with. */
  run(): Promise<number> {
    return new Promise(resolve => {
      this.#ended = resolve
      this.#launch()
    })
  }

  stop(): void {
    if (this.#phase === 'stopping') return
    const wasDown = this.#phase === 'down'
    this.#phase = 'stopping'
    clearTimeout(this.#timer)
    const child = this.#child
    if (!child || wasDown) {
      this.#ended?.(0)
      return
    }
    child.kill('SIGTERM')
    this.#timer = setTimeout(() => child.kill('SIGKILL'), this.#options.stopMs ?? 15_000)
  }

  #launch(): void {
    const startedAt = Date.now()
    this.#phase = 'starting'
    this.#readyAt = undefined
    const child = fork(this.#options.module, [], {
      // Fewer, larger collections of young garbage, by one helper thread: the default of four only contend on few cores.
      execArgv: ['--max-semi-space-size=32', '--v8-pool-size=1'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // glibc keeps a pool of memory a thread; with two embedded engines that is tens of megabytes for nothing.
      env: { MALLOC_ARENA_MAX: '2', ...process.env }
    })
    this.#child = child
    child.send({ start: this.#options.start })
    child.on('message', report => this.#told(report as Report))
    child.on('error', error => {
      this.#complaint ??= error.message
      // A process that could not be made has no exit of its own.
      if (child.pid === undefined && this.#child === child) this.#exited(null, null, Date.now() - startedAt)
    })
    child.once('exit', (code, signal) => this.#exited(code, signal, Date.now() - startedAt))
  }

  #told(report: Report): void {
    this.#lastBeat = Date.now()
    if (report.kind === 'beat') {
      // One that has just been started again knows no dashboard yet, and perhaps never will: the last good ones stay.
      const dashboards = report.state.dashboards?.length ? report.state.dashboards : this.#known?.dashboards
      this.#known = { ...report.state, ...(dashboards && { dashboards }) }
    } else if (report.kind === 'cannot-start') {
      this.#complaint = report.message
      this.#options.onRefused?.(report.message)
    } else {
      this.#everReady = true
      this.#readyAt = this.#lastBeat
      if (this.#phase === 'starting') this.#phase = 'ready'
      this.#options.onReady?.(report, this.#restarts)
    }
  }

  #exited(code: number | null, signal: string | null, upMs: number): void {
    this.#child = undefined
    this.#options.exits.add({ at: new Date().toISOString(), code, signal, upMs })
    if (this.#phase === 'stopping') {
      clearTimeout(this.#timer)
      this.#options.onExit?.({ code, signal, upMs, restartInMs: undefined })
      this.#ended?.(0)
      return
    }
    if (!this.#everReady) {
      this.#phase = 'failed'
      this.#options.onExit?.({ code, signal, upMs, restartInMs: undefined })
      this.#ended?.(code === null || code === 0 ? 1 : code)
      return
    }
    this.#phase = 'down'
    const servedMs = this.#readyAt === undefined ? 0 : Date.now() - this.#readyAt
    this.#wait = nextWait(this.#wait, servedMs, this.#options.backOff)
    this.#options.onExit?.({ code, signal, upMs, restartInMs: this.#wait })
    this.#timer = setTimeout(() => {
      this.#restarts++
      this.#launch()
    }, this.#wait)
  }
}
