import { performance } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import type { Board } from '../board/board.ts'
import { monotonicMs } from '../clock.ts'
import { LoopDelay } from './loop-delay.ts'

const FIGURES_EVERY_MS = 1_000

/** Several beats fit into the time after which silence is an illness, so that one late beat is not. */
const beatEveryMs = (stuckAfterMs: number) => Math.min(250, stuckAfterMs / 8)

/** The main thread's sign of life: a beat on its event loop, and each second how it does. By the machine's own time. */
export class Pulse {
  readonly #board: Board
  readonly #delay: LoopDelay
  readonly #interval: NodeJS.Timeout
  #busy = performance.eventLoopUtilization()
  #figuresAt = -Infinity

  constructor(board: Board, stuckAfterMs: number) {
    this.#board = board
    this.#delay = new LoopDelay(monotonicMs())
    this.#interval = setInterval(() => this.#beat(), beatEveryMs(stuckAfterMs)).unref()
    this.#beat()
  }

  stop(): void {
    clearInterval(this.#interval)
    this.#delay.stop()
  }

  #beat(): void {
    const now = monotonicMs()
    this.#board.beat(now)
    if (now - this.#figuresAt < FIGURES_EVERY_MS) return
    this.#figuresAt = now
    const busy = performance.eventLoopUtilization()
    const { used_heap_size, heap_size_limit } = getHeapStatistics()
    const { p50Ms, p99Ms, maxMs } = this.#delay.read(now)
    this.#board.figures = {
      delayP50Ms: p50Ms,
      delayP99Ms: p99Ms,
      delayMaxMs: maxMs,
      utilisation: performance.eventLoopUtilization(busy, this.#busy).utilization,
      heapUsedBytes: used_heap_size,
      heapLimitBytes: heap_size_limit
    }
    this.#busy = busy
  }
}
