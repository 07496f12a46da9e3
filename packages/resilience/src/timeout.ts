import type { Call, Frame, Step } from './call.ts'
import { TimeoutError } from './errors.ts'
import { type Bound, checkMs, type Part, type Site } from './part.ts'
import { TimerEntry, TimerLine } from './timer-line.ts'

/**
 * Answers with a `TimeoutError` when what is inside has given no answer within `ms` milliseconds.
 *
 * Inside a `retry` it limits each attempt, outside of it the whole call. The signal is aborted with the same error; a
 * function that does not look at its signal is answered for in time all the same, and what it says later is counted as
 * `late` and dropped.
 * @throws RangeError when `ms` is not a number of milliseconds above zero.
 */
export function timeout(ms: number): Part {
  checkMs('a timeout', ms)
  return {
    kind: 'timeout',
    explain: () => `timeout: gives up what is inside after ${ms} ms`,
    bind: (site, next) => bindTimeout(ms, site, next)
  }
}

function bindTimeout(ms: number, site: Site, next: Step): Bound {
  const line = new TimerLine(site.clock)
  return {
    enter(call, parent) {
      const frame = new TimeoutFrame(ms, site, line, call, parent)
      line.add(frame, call.at + ms, call.at)
      next(call, frame)
    }
  }
}

class TimeoutFrame extends TimerEntry implements Frame {
  readonly #ms: number
  readonly #site: Site
  readonly #line: TimerLine
  readonly #call: Call
  readonly #parent: Frame

  constructor(ms: number, site: Site, line: TimerLine, call: Call, parent: Frame) {
    super()
    this.#ms = ms
    this.#site = site
    this.#line = line
    this.#call = call
    this.#parent = parent
  }

  ok(value: unknown): void {
    this.#line.remove(this)
    this.#parent.ok(value)
  }

  fail(error: unknown): void {
    this.#line.remove(this)
    if (this.#call.interruptedBy === this) this.#call.interruptedBy = null
    this.#parent.fail(error)
  }

  expire(): void {
    this.#site.tally.timeouts++
    this.#site.emit({ type: 'timeout', timeoutMs: this.#ms }, this.#call)
    this.#call.interrupt(this, new TimeoutError(this.#site.policy, this.#ms))
  }
}
