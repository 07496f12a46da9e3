import type { Clock } from '@plimsoll/resilience'

/** How long handlers that wait for nothing may keep the process from its sockets and timers, in milliseconds. */
const longestMs = 5

/**
 * Handlers that wait for nothing follow each other without a turn of the event loop: nothing that was asked of the database
 * would be sent meanwhile, and no answer read.
 */
export class Breath {
  #clock: Clock
  #until = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  isDue(now: number): boolean {
    return now >= this.#until
  }

  /** Resolves with the time after it. */
  async take(): Promise<number> {
    await new Promise(resolve => setImmediate(resolve))
    const now = this.#clock.now()
    this.#until = now + longestMs
    return now
  }
}
