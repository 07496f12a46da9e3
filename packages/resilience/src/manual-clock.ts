import type { Clock } from './clock.ts'

interface Timer {
  due: number
  fn: () => void
}

/** A clock that moves only when it is told to, for tests. */
export interface ManualClock extends Clock {
  /** Moves both times on by `ms` and runs what falls due on the way, in order. Promises get no turn in between. */
  advance(ms: number): void
  /** As `advance`, but lets promises settle before, between and after the timers. */
  flow(ms: number): Promise<void>
  /** Sets the wall clock forward or back by `ms`, as an operator or NTP does. `now()` is not moved by it. */
  stepWall(ms: number): void
  /** Timers that wait. */
  readonly pending: number
}

/** Starts at `now()` = 0 and `wallNow()` = `wall`, 2026-01-01 unless told. */
export function manualClock(wall: number = Date.UTC(2026, 0, 1)): ManualClock {
  /** In the order in which they fall due; those of one instant in the order in which they were set. */
  const timers: Timer[] = []
  let now = 0
  let wallOffset = wall

  const nextDue = (limit: number): Timer | undefined => {
    const first = timers[0]
    return first !== undefined && first.due <= limit ? first : undefined
  }
  const fire = (timer: Timer) => {
    timers.shift()
    now = Math.max(now, timer.due)
    timer.fn()
  }

  return {
    now: () => now,
    wallNow: () => wallOffset + now,
    setTimer(fn, ms) {
      const timer = { due: now + Math.max(0, ms), fn }
      let at = timers.length
      while (at > 0 && timers[at - 1]!.due > timer.due) at--
      timers.splice(at, 0, timer)
      return timer
    },
    clearTimer(handle) {
      const at = timers.indexOf(handle as Timer)
      if (at !== -1) timers.splice(at, 1)
    },
    advance(ms) {
      const end = now + ms
      for (let timer = nextDue(end); timer !== undefined; timer = nextDue(end)) fire(timer)
      now = Math.max(now, end)
    },
    async flow(ms) {
      const end = now + ms
      await promisesSettled()
      for (let timer = nextDue(end); timer !== undefined; timer = nextDue(end)) {
        fire(timer)
        await promisesSettled()
      }
      now = Math.max(now, end)
    },
    stepWall(ms) {
      wallOffset += ms
    },
    get pending() {
      return timers.length
    }
  }
}

/** An immediate runs after every microtask there is, however long their chain. */
const promisesSettled = () => new Promise<void>(resolve => setImmediate(resolve))
