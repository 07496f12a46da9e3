import { machineClock, type RecorderClock } from '../ring/clock.ts'

/** By how much the wall clock moved against the one that only goes forward, in milliseconds, since the last look. */
export class ClockJump {
  readonly #clock: RecorderClock
  #wall: number
  #up: number

  constructor(clock: RecorderClock = machineClock) {
    this.#clock = clock
    this.#wall = clock.wallNow()
    this.#up = clock.upNow()
  }

  read(): number {
    const wall = this.#clock.wallNow()
    const up = this.#clock.upNow()
    const jump = wall - this.#wall - (up - this.#up)
    this.#wall = wall
    this.#up = up
    return Math.round(jump)
  }
}
