// Imported, because the global of the same name is a getter, and this is asked several times a call.
import { performance } from 'node:perf_hooks'

/** What `setTimer` gives back and `clearTimer` takes. Only its clock knows what it is. */
export type TimerHandle = unknown

/** Where time comes from. Whatever time decides takes one, so that its tests never sleep. */
export interface Clock {
  /** Milliseconds since some start, with fractions. Never goes back, whatever is done to the wall clock. */
  now(): number
  /** Milliseconds since 1970 in UTC. It may jump: use it to tell people when, never to measure. */
  wallNow(): number
  /** Calls `fn` once after at least `ms` milliseconds, of which there are no more than 2^31 - 1 (24 days). */
  setTimer(fn: () => void, ms: number): TimerHandle
  clearTimer(handle: TimerHandle): void
}

/** Told to wait for longer, `setTimeout` does not wait at all. */
const LONGEST_MS = 2 ** 31 - 1

/** The machine's own time. A timer that waits keeps the process alive. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  setTimer: (fn, ms) => setTimeout(fn, Math.min(ms, LONGEST_MS)),
  clearTimer: handle => clearTimeout(handle as NodeJS.Timeout)
}
