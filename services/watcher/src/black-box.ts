import {
  ClockJump,
  DiskSpace,
  MachineCpu,
  MemoryKills,
  noteOf,
  OutsideFigures,
  openRecorder,
  Pressure,
  type Recorder,
  type Standing
} from '@plimsoll/recorder'
import { availableMemory } from './available-memory.ts'
import { Probes } from './probes.ts'
import type { Phase } from './supervisor.ts'

export interface BlackBoxOptions {
  /** Folder of the watcher's ring. */
  directory: string
  /** Folder whose disk is measured. */
  data: string
  /** How the platform stands now. */
  observe(): Seen
  /** Only for tests: another kernel. */
  memoryKills?: MemoryKills
}

/** What the watcher knows of the platform without asking it. */
export interface Seen {
  phase: Phase
  pid: number | undefined
  /** When it last gave a sign of life, in milliseconds since 1970; 0 = never. */
  lastBeat: number
  /** Where it answers, once it was ready. */
  addresses: { url: string; healthUrl: string } | undefined
}

const sampleMs = 1_000
const phases: Record<Phase, number> = { starting: 0, ready: 1, down: 2, stopping: 3, failed: 4 }

/** What the watcher sees of the platform from outside, once a second, and what becomes of it. */
export class WatcherBlackBox {
  readonly #recorder: Recorder
  readonly #options: BlackBoxOptions
  readonly #cpu = new MachineCpu()
  readonly #pressure = new Pressure()
  readonly #disk: DiskSpace
  readonly #jump = new ClockJump()
  readonly #outside = new OutsideFigures()
  readonly #probes = new Probes()
  readonly #timer: NodeJS.Timeout
  readonly #memoryKills: MemoryKills
  #lastMemory: number | undefined

  /** @throws RecorderDiskError */
  constructor(options: BlackBoxOptions) {
    this.#options = options
    this.#recorder = openRecorder({ directory: options.directory, source: 'watcher' })
    this.#disk = new DiskSpace(options.data)
    this.#memoryKills = options.memoryKills ?? new MemoryKills()
    this.#recorder.occurrence('start', { detail: { node: process.version, pid: process.pid } })
    this.#timer = setInterval(() => this.sample(), sampleMs).unref()
  }

  sample(): void {
    const { phase, pid, lastBeat, addresses } = this.#options.observe()
    const outside = this.#outside.read(pid)
    this.#memoryKills.look()
    this.#lastMemory = outside['platform.rss'] ?? this.#lastMemory
    const machine = this.#cpu.read()
    const memory = availableMemory()
    this.#recorder.sample({
      'platform.phase': phases[phase],
      ...(lastBeat > 0 && { 'platform.silent': Math.max(0, Date.now() - lastBeat) }),
      ...outside,
      ...this.#probes.read(phase === 'ready' ? addresses : undefined),
      ...(machine !== undefined && { 'cpu.machine': machine }),
      ...(memory !== undefined && { 'memory.available': memory }),
      ...this.#pressure.read(),
      ...this.#disk.read(),
      'clock.jump': this.#jump.read()
    })
  }

  refusedToStart(why: string): void {
    this.#recorder.occurrence('refused-to-start', { detail: { why } })
  }

  /** That a cause has gone on for long. */
  goesOn(standing: Standing, now: number): void {
    const { name, ...note } = noteOf(standing, now)
    this.#recorder.occurrence(name, note)
  }

  signalled(signal: string): void {
    this.#recorder.occurrence('signal', { subject: signal })
  }

  /** The platform's end. What it held is what was last seen, so it can be a second old. */
  exited(exit: { code: number | null; signal: string | null; upMs: number; restartInMs: number | undefined }): void {
    const killed = this.#memoryKills.hasKilled()
    this.#recorder.occurrence('exit', {
      detail: {
        code: exit.code,
        signal: exit.signal,
        uptime: exit.upMs,
        ...(this.#lastMemory !== undefined && { memory: this.#lastMemory }),
        ...(killed !== undefined && { 'killed-for-memory': killed && exit.signal === 'SIGKILL' }),
        ...(exit.restartInMs !== undefined && { 'restart-in': exit.restartInMs })
      }
    })
    this.#lastMemory = undefined
  }

  close(why: string): void {
    clearInterval(this.#timer)
    this.sample()
    this.#recorder.occurrence('close', { detail: { why } })
    this.#recorder.close()
  }
}
