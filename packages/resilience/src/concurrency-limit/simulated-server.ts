import type { Clock } from '../clock.ts'

/** The same stream of numbers from 0 to 1 for the same seed (mulberry32), so that a simulation can be told again. */
export function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A server of so many workers with a queue without end: what comes when all are busy waits, whoever has given it up. */
export class SimulatedServer {
  workers: number
  serviceMs: () => number
  readonly #clock: Clock
  readonly #queue: (() => void)[] = []
  #busy = 0

  constructor(clock: Clock, workers: number, serviceMs: () => number) {
    this.#clock = clock
    this.workers = workers
    this.serviceMs = serviceMs
  }

  get inside(): number {
    return this.#busy + this.#queue.length
  }

  serve(done: () => void): void {
    this.#queue.push(done)
    this.#work()
  }

  #work(): void {
    while (this.#busy < this.workers) {
      const done = this.#queue.shift()
      if (done === undefined) return
      this.#busy++
      this.#clock.setTimer(() => {
        this.#busy--
        done()
        this.#work()
      }, this.serviceMs())
    }
  }
}

/** Calls `arrive` at random instants, `perSecond` of them, until the clock says `until`. */
export function poisson(
  clock: Clock,
  random: () => number,
  perSecond: () => number,
  until: number,
  arrive: () => void
): void {
  const next = () => {
    const gapMs = (-Math.log(1 - random()) / perSecond()) * 1_000
    if (clock.now() + gapMs > until) return
    clock.setTimer(() => {
      arrive()
      next()
    }, gapMs)
  }
  next()
}
