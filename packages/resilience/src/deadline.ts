import { type Call, type Frame, orNone, type Step } from './call.ts'
import { DeadlineExceededError } from './errors.ts'
import { type Bound, checkMs, checkWhole, type Part, type Site } from './part.ts'
import { TimerEntry, TimerLine } from './timer-line.ts'

export interface DeadlineOptions {
  /** No attempt begins with less than this many milliseconds left. Default 1. */
  leastMs?: number
}

/**
 * All that is inside has to end by an instant: `ms` milliseconds after the call entered this part, or the deadline that
 * was handed to `run`, whichever comes first. The function is told the instant, so that it can hand on what is left.
 *
 * No attempt begins that has no time to end, and a retry is not waited for when its back-off would outlast the deadline.
 * A policy without this part keeps to the deadline of `run` all the same, just inside its leading fallbacks and caches.
 * @throws RangeError when `ms` is not above zero or `leastMs` is not a whole number.
 */
export function deadline(ms: number, { leastMs = 1 }: DeadlineOptions = {}): Part {
  checkMs('a deadline', ms, { endless: true })
  checkWhole('leastMs', leastMs, 0)
  const own = ms === Infinity ? 'by the deadline handed in' : `within ${ms} ms, or by the deadline handed in if sooner`
  return {
    kind: 'deadline',
    explain: () => `deadline: everything inside ends ${own}; nothing begins with less than ${leastMs} ms left`,
    bind: (site, next) => new BoundDeadline(ms, leastMs, site, next)
  }
}

class BoundDeadline implements Bound {
  readonly #ms: number
  readonly #leastMs: number
  readonly #site: Site
  readonly #line: TimerLine
  readonly #next: Step

  constructor(ms: number, leastMs: number, site: Site, next: Step) {
    this.#ms = ms
    this.#leastMs = leastMs
    this.#site = site
    this.#line = new TimerLine(site.clock)
    this.#next = next
  }

  enter(call: Call, parent: Frame): void {
    const own = call.at + this.#ms
    if (own === Infinity && call.handedIn === null) this.#next.enter(call, parent)
    else new DeadlineFrame(this.#site, this.#line, call, parent).start(own, this.#leastMs, this.#next)
  }
}

class DeadlineFrame extends TimerEntry implements Frame {
  readonly #site: Site
  readonly #line: TimerLine
  readonly #call: Call
  readonly #parent: Frame

  constructor(site: Site, line: TimerLine, call: Call, parent: Frame) {
    super()
    this.#site = site
    this.#line = line
    this.#call = call
    this.#parent = parent
  }

  start(own: number, leastMs: number, next: Step): void {
    const call = this.#call
    call.own = orNone(own)
    call.leastMs = leastMs
    // One that is over already needs no timer: the function is not begun, and the answer is there at once.
    if (call.deadline > call.at) this.#line.add(this, call.deadline, call.at)
    next.enter(call, this)
  }

  ok(value: unknown): void {
    this.#leave()
    this.#parent.ok(value)
  }

  fail(error: unknown): void {
    this.#leave()
    if (this.#call.interruptedBy === this) this.#call.interruptedBy = null
    this.#parent.fail(error)
  }

  expire(): void {
    const { policy, tally, clock } = this.#site
    const call = this.#call
    // Someone with more time may have joined the call since.
    if (call.deadline > this.due) {
      this.#line.add(this, call.deadline, clock.now())
      return
    }
    const incoming = call.deadlineIsHandedIn
    const { begun } = call
    tally.deadlines++
    this.#site.emit({ type: 'deadline', begun, incoming }, call)
    call.interrupt(this, new DeadlineExceededError(policy, { incoming, begun }))
  }

  #leave(): void {
    this.#line.remove(this)
    this.#call.own = null
  }
}
