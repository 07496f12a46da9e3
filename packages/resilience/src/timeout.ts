import type { Call, Frame, Step } from './call.ts'
import { TimeoutError } from './errors.ts'
import { type Bound, checkMs, type Part, type Site } from './part.ts'
import { TimerEntry, TimerLine } from './timer-line.ts'

export interface TimeoutOptions {
  /** Tells, as `timeout.would-fire`, and ends nothing. Default false. */
  shadow?: boolean
}

/**
 * Answers with a `TimeoutError` when what is inside has given no answer within `ms` milliseconds.
 *
 * Inside a `retry` it limits each attempt, outside of it the whole call. The signal is aborted with the same error; a
 * function that does not look at its signal is answered for in time all the same, and what it says later is counted as
 * `late` and dropped.
 * @throws RangeError when `ms` is not a number of milliseconds above zero.
 */
export function timeout(ms: number, { shadow = false }: TimeoutOptions = {}): Part {
  checkMs('a timeout', ms)
  return {
    kind: 'timeout',
    explain: () =>
      shadow
        ? `timeout, in shadow mode: tells when what is inside takes longer than ${ms} ms`
        : `timeout: gives up what is inside after ${ms} ms`,
    bind: (site, next) => new BoundTimeout(ms, shadow, site, next)
  }
}

class BoundTimeout implements Bound {
  readonly ms: number
  readonly shadow: boolean
  readonly site: Site
  readonly line: TimerLine
  readonly #next: Step

  constructor(ms: number, shadow: boolean, site: Site, next: Step) {
    this.ms = ms
    this.shadow = shadow
    this.site = site
    this.line = new TimerLine(site.clock)
    this.#next = next
  }

  enter(call: Call, parent: Frame): void {
    const frame = new TimeoutFrame(this, call, parent)
    this.line.add(frame, call.at + this.ms, call.at)
    this.#next.enter(call, frame)
  }
}

class TimeoutFrame extends TimerEntry implements Frame {
  readonly #timeout: BoundTimeout
  readonly #call: Call
  readonly #parent: Frame

  constructor(timeout: BoundTimeout, call: Call, parent: Frame) {
    super()
    this.#timeout = timeout
    this.#call = call
    this.#parent = parent
  }

  ok(value: unknown): void {
    this.#timeout.line.remove(this)
    this.#parent.ok(value)
  }

  fail(error: unknown): void {
    this.#timeout.line.remove(this)
    if (this.#call.interruptedBy === this) this.#call.interruptedBy = null
    this.#parent.fail(error)
  }

  expire(): void {
    const { ms, shadow, site } = this.#timeout
    if (shadow) {
      site.tally.timeoutsWouldFire++
      site.emit({ type: 'timeout.would-fire', timeoutMs: ms }, this.#call)
      return
    }
    site.tally.timeouts++
    site.emit({ type: 'timeout', timeoutMs: ms }, this.#call)
    this.#call.interrupt(this, new TimeoutError(site.policy, ms))
  }
}
