import { setTimeout as timer } from 'node:timers/promises'

export interface Clock {
  /** Unix time in milliseconds. */
  now(): number
  /** Ends after so many milliseconds, or as soon as the signal is given; never throws. */
  wait(milliseconds: number, signal: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: Date.now,
  wait: (milliseconds, signal) => timer(milliseconds, undefined, { signal }).catch(() => {})
}
