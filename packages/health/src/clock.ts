/** Where time comes from. It has the shape of the clock of `@plimsoll/resilience`, so that one clock serves both. */
export interface Clock {
  /** Milliseconds since some start, with fractions. Never goes back. */
  now(): number
  /** Milliseconds since 1970 in UTC. It may jump: to tell people when, never to measure. */
  wallNow(): number
  /** Calls `fn` once after at least `ms` milliseconds. */
  setTimer(fn: () => void, ms: number): unknown
  clearTimer(handle: unknown): void
}

/** Told to wait for longer, `setTimeout` does not wait at all. */
const LONGEST_MS = 2 ** 31 - 1

/** The machine's monotonic time in milliseconds: the same figure in every thread, which `performance.now()` is not. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6

/** The machine's own time. A timer that waits keeps the process alive. */
export const systemClock: Clock = {
  now: monotonicMs,
  wallNow: () => Date.now(),
  setTimer: (fn, ms) => setTimeout(fn, Math.min(ms, LONGEST_MS)),
  clearTimer: handle => clearTimeout(handle as NodeJS.Timeout)
}

/** The same, with timers that keep nobody alive: looking at a process is no reason for it to stay. */
export const backgroundClock: Clock = {
  ...systemClock,
  setTimer: (fn, ms) => setTimeout(fn, Math.min(ms, LONGEST_MS)).unref()
}
