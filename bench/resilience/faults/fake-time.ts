import type { ManualClock, TimerHandle } from '@plimsoll/resilience'

/** A timer as Node's are, as far as libraries use them. */
class FakeTimer {
  handle: TimerHandle
  #held = true
  ref(): this {
    this.#held = true
    return this
  }
  unref(): this {
    this.#held = false
    return this
  }
  hasRef(): boolean {
    return this.#held
  }
}

/**
 * Puts `clock` in the place of the global timers and of `Date.now`, for libraries that cannot be given a clock. Immediates
 * and microtasks stay real. Put back when disposed of.
 */
export function fakeTime(clock: ManualClock): Disposable {
  const real = {
    setTimeout: globalThis.setTimeout,
    clearTimeout: globalThis.clearTimeout,
    setInterval: globalThis.setInterval,
    clearInterval: globalThis.clearInterval
  }
  const realNow = Date.now
  const clear = (timer: unknown) => {
    if (timer instanceof FakeTimer) clock.clearTimer(timer.handle)
  }
  const fake = {
    setTimeout: (fn: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) => {
      const timer = new FakeTimer()
      timer.handle = clock.setTimer(() => fn(...args), ms)
      return timer
    },
    clearTimeout: clear,
    setInterval: (fn: (...args: unknown[]) => void, ms: number, ...args: unknown[]) => {
      const timer = new FakeTimer()
      const again = () => {
        timer.handle = clock.setTimer(again, ms)
        fn(...args)
      }
      timer.handle = clock.setTimer(again, ms)
      return timer
    },
    clearInterval: clear
  }
  Object.assign(globalThis, fake)
  Date.now = () => clock.wallNow()
  return {
    [Symbol.dispose]() {
      Object.assign(globalThis, real)
      Date.now = realNow
    }
  }
}
