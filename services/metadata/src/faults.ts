import { problem } from '@plimsoll/http'
import type { FastifyReply } from 'fastify'
import type { Clock } from './clock.ts'
import type { FaultSettings } from './contract.ts'

/** What goes wrong on purpose, for drills; nothing does until `set` says so. */
export class Faults {
  readonly #clock: Clock
  readonly #closing = new AbortController()
  readonly #hanging = new Set<FastifyReply['raw']>()
  #settings: FaultSettings = {}
  #random = randomNumbers(1)

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get settings(): FaultSettings {
    return this.#settings
  }

  /** Replaces all settings and starts the random numbers again. A request that hangs already stays hanging. */
  set(settings: FaultSettings): void {
    this.#settings = settings
    this.#random = randomNumbers(settings.seed ?? 1)
  }

  /**
   * What comes before an answer. Returns false when there will be none.
   * @throws {Problem} 500 `injected_fault`
   */
  async strike(reply: FastifyReply): Promise<boolean> {
    const { hang = false, latencyMs = 0, jitterMs = 0, errorRate = 0 } = this.#settings
    if (hang) {
      this.#leaveHanging(reply)
      return false
    }
    // Both are drawn always, so that one setting does not shift the random numbers of the other.
    const fails = this.#random() < errorRate
    const delay = latencyMs + jitterMs * this.#random()
    if (delay > 0) await this.#wait(delay, reply)
    if (fails) throw problem(500, 'injected_fault', 'This failure was asked for at /admin/faults.')
    return true
  }

  /** Lets go of everything that hangs or waits: the service ends. */
  close(): void {
    this.#closing.abort()
    for (const response of this.#hanging) response.destroy()
  }

  #leaveHanging(reply: FastifyReply): void {
    reply.hijack()
    this.#hanging.add(reply.raw)
    reply.raw.once('close', () => this.#hanging.delete(reply.raw))
    if (this.#closing.signal.aborted) reply.raw.destroy()
  }

  async #wait(milliseconds: number, reply: FastifyReply): Promise<void> {
    const gone = new AbortController()
    const leave = () => gone.abort()
    reply.raw.once('close', leave)
    await this.#clock.wait(milliseconds, AbortSignal.any([gone.signal, this.#closing.signal]))
    reply.raw.off('close', leave)
  }
}

/** Mulberry32, by Tommy Ettinger: small, fast, and good enough to decide who fails. From 0 up to and without 1. */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
}
