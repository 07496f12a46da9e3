import { monitorEventLoopDelay } from 'node:perf_hooks'

export interface Delays {
  p50Ms: number
  p99Ms: number
  maxMs: number
}

const RESOLUTION_MS = 20
const WINDOW_MS = 10_000
const NONE: Delays = { p50Ms: 0, p99Ms: 0, maxMs: 0 }

/**
 * How late the event loop is with its timers. Windows of 10 s; what is told is the worse of the one that is on and the
 * last whole one, so that a bad moment is seen for at least 10 s by whoever looks every 10 s.
 */
export class LoopDelay {
  readonly #histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  #before: Delays = NONE
  #windowBegan: number

  constructor(nowMs: number) {
    this.#windowBegan = nowMs
    this.#histogram.enable()
  }

  read(nowMs: number): Delays {
    const current = this.#current()
    const told = {
      p50Ms: Math.max(current.p50Ms, this.#before.p50Ms),
      p99Ms: Math.max(current.p99Ms, this.#before.p99Ms),
      maxMs: Math.max(current.maxMs, this.#before.maxMs)
    }
    if (nowMs - this.#windowBegan >= WINDOW_MS) {
      this.#before = current
      this.#windowBegan = nowMs
      this.#histogram.reset()
    }
    return told
  }

  stop(): void {
    this.#histogram.disable()
  }

  #current(): Delays {
    if (this.#histogram.count === 0) return NONE
    // Node records the whole time from one tick to the next; only what is over the resolution is delay.
    const delay = (ns: number) => Math.max(0, ns / 1e6 - RESOLUTION_MS)
    return {
      p50Ms: delay(this.#histogram.percentile(50)),
      p99Ms: delay(this.#histogram.percentile(99)),
      maxMs: delay(this.#histogram.max)
    }
  }
}
