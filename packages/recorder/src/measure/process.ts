import { readdirSync, readFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { monitorEventLoopDelay, PerformanceObserver, performance } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import { machineClock, type RecorderClock } from '../ring/clock.ts'
import { ClockJump } from './clock-jump.ts'
import { DiskSpace } from './disk.ts'
import { MachineCpu } from './machine-cpu.ts'
import { WaitingThreads } from './waiting-threads.ts'

export interface ProcessFiguresOptions {
  /** Whose file system is measured. */
  directory: string
  clock?: RecorderClock
}

const loopResolutionMs = 20
/** Counting descriptors reads a directory: with many of them, not each second. */
const manyFiles = 2_000
const manyFilesEvery = 10

/** What any process can say of itself: `cpu`, `memory`, `loop`, `gc`, `files`, `disk` and `clock` of the vocabulary. */
export class ProcessFigures {
  readonly #cpu = new MachineCpu()
  readonly #waiting = new WaitingThreads()
  readonly #disk: DiskSpace
  readonly #jump: ClockJump
  readonly #delay = monitorEventLoopDelay({ resolution: loopResolutionMs })
  readonly #collections: PerformanceObserver
  /** What `cpu.machine` is a share of, whatever part of them this process may use. */
  readonly #cores = cpus().length
  readonly #memoryLimit = memoryLimit()
  #filesLimit = filesLimit()
  #collecting = 0
  #used = process.cpuUsage()
  #busy = performance.eventLoopUtilization()
  #at = performance.now()
  #files: number | undefined
  #round = 0

  constructor({ directory, clock = machineClock }: ProcessFiguresOptions) {
    this.#disk = new DiskSpace(directory)
    this.#jump = new ClockJump(clock)
    this.#delay.enable()
    this.#collections = new PerformanceObserver(list => {
      for (const { duration } of list.getEntries()) this.#collecting += duration
    })
    this.#collections.observe({ entryTypes: ['gc'] })
  }

  /** Since the last time it was asked. What this system does not tell is left out. */
  read(): Record<string, number> {
    const now = performance.now()
    const elapsedMs = Math.max(1, now - this.#at)
    this.#at = now
    const used = process.cpuUsage()
    const cores = (used.user + used.system - this.#used.user - this.#used.system) / 1_000 / elapsedMs
    this.#used = used
    const busy = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(busy, this.#busy)
    this.#busy = busy
    const values: Record<string, number> = {
      'cpu.process': cores,
      ...(this.#cores > 0 && { 'cpu.cores': this.#cores }),
      ...memoryHeld(),
      'memory.limit': this.#memoryLimit,
      'memory.available': process.availableMemory(),
      'loop.utilisation': utilization,
      'gc.time': this.#collecting,
      'clock.jump': this.#jump.read(),
      ...this.#loopDelay(),
      ...this.#disk.read()
    }
    this.#collecting = 0
    const machine = this.#cpu.read()
    if (machine !== undefined) values['cpu.machine'] = machine
    const waiting = this.#waiting.read()
    if (waiting !== undefined) values['cpu.waiting'] = waiting
    this.#countFiles()
    if (this.#files !== undefined) values['files.open'] = this.#files
    if (this.#filesLimit !== undefined) values['files.limit'] = this.#filesLimit
    return values
  }

  stop(): void {
    this.#delay.disable()
    this.#collections.disconnect()
  }

  #loopDelay(): Record<string, number> {
    if (this.#delay.count === 0) return {}
    // Node records the whole time from one tick to the next; only what is over the resolution is delay.
    const delayOf = (ns: number) => Math.max(0, ns / 1e6 - loopResolutionMs)
    const values = {
      'loop.delay.p99': delayOf(this.#delay.percentile(99)),
      'loop.delay.max': delayOf(this.#delay.max)
    }
    this.#delay.reset()
    return values
  }

  #countFiles(): void {
    if ((this.#files ?? 0) > manyFiles && this.#round++ % manyFilesEvery !== 0) return
    try {
      // One of them is this look itself.
      this.#files = readdirSync('/proc/self/fd').length - 1
      // It can be raised and lowered while we run.
      this.#filesLimit = filesLimit()
    } catch (error) {
      // To look takes a descriptor too.
      this.#files = (error as NodeJS.ErrnoException).code === 'EMFILE' ? this.#filesLimit : undefined
    }
  }
}

function memoryHeld(): Record<string, number> {
  const { used_heap_size, heap_size_limit, external_memory } = getHeapStatistics()
  const values = {
    'memory.heap': used_heap_size,
    'memory.heap.limit': heap_size_limit,
    'memory.external': external_memory
  }
  try {
    return { ...values, 'memory.rss': process.memoryUsage.rss() }
  } catch {
    // It is read from a file, and there may be no descriptor left.
    return values
  }
}

/** Of the control group where there is one, else of the machine. */
function memoryLimit(): number {
  const limit = process.constrainedMemory()
  const total = totalmem()
  return limit > 0 && limit < total ? limit : total
}

function filesLimit(): number | undefined {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return soft === undefined ? undefined : Number(soft)
  } catch {
    return undefined
  }
}
