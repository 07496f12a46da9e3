import type { Clock } from '@plimsoll/resilience'

/** How long a handler may take. One timer for many: it is moved when it fires, and not with every message. */
export class HandlerLimit {
  #clock: Clock
  #limitMs: number
  #timer: unknown
  #until = 0
  #late: (() => void) | undefined

  constructor(clock: Clock, limitMs: number) {
    this.#clock = clock
    this.#limitMs = limitMs
  }

  /** Calls `late` when neither `end` nor the next `begin` came in time. One handler at a time. */
  begin(late: () => void, now: number): void {
    this.#until = now + this.#limitMs
    this.#late = late
    if (this.#timer === undefined) this.#arm(this.#limitMs)
  }

  end(): void {
    this.#late = undefined
  }

  close(): void {
    this.#clock.clearTimer(this.#timer)
    this.#timer = undefined
  }

  #arm(ms: number): void {
    this.#timer = this.#clock.setTimer(() => this.#look(), Math.max(1, Math.ceil(ms)))
  }

  #look(): void {
    this.#timer = undefined
    const late = this.#late
    if (!late) return
    const left = this.#until - this.#clock.now()
    if (left > 0) this.#arm(left)
    else {
      this.#late = undefined
      late()
    }
  }
}
