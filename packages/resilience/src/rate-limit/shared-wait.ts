import type { Call, Frame, Leaf, Step } from '../call.ts'
import type { Clock } from '../clock.ts'
import { TimerEntry, TimerLine } from '../timer-line.ts'
import type { SharedLimiter, SharedRateVerdict } from './shared-limiter.ts'

export type Refuse = (call: Call, parent: Frame, retryAfterMs: number) => void

/** Calls that a store decides on. One that is told to come back within `maxWaitMs` sleeps and asks again. */
export class SharedRoom {
  /** Those who sleep at the moment. */
  waiting = 0
  readonly timers: TimerLine
  readonly limiter: SharedLimiter
  readonly clock: Clock
  readonly #maxWaitMs: number
  readonly #most: number
  readonly #next: Step
  readonly #refuse: Refuse

  constructor(limiter: SharedLimiter, maxWaitMs: number, clock: Clock, next: Step, refuse: Refuse) {
    this.limiter = limiter
    this.clock = clock
    this.timers = new TimerLine(clock)
    this.#maxWaitMs = maxWaitMs
    // More could not be let in within that time.
    this.#most = Math.ceil(maxWaitMs / limiter.local.settings.unitMs)
    this.#next = next
    this.#refuse = refuse
  }

  enter(key: string | undefined, call: Call, parent: Frame): void {
    const wait = new SharedWait(this, key, call, parent, call.at + this.#maxWaitMs)
    if (call.waitFor(wait)) wait.ask()
  }

  told(wait: SharedWait, { allowed, retryAfterMs }: SharedRateVerdict): void {
    const { call, parent, until } = wait
    const now = this.clock.now()
    // A store that says no and "at once" is not asked in a circle.
    const at = now + Math.max(1, retryAfterMs)
    call.at = now
    if (allowed) {
      call.leaf = null
      this.#next.enter(call, parent)
    } else if (at <= until && at + call.leastMs <= call.deadline && this.waiting < this.#most) {
      this.waiting++
      this.timers.add(wait, at, now)
    } else {
      call.leaf = null
      this.#refuse(call, parent, retryAfterMs)
    }
  }
}

class SharedWait extends TimerEntry implements Leaf {
  readonly call: Call
  readonly parent: Frame
  /** No answer is waited for beyond this. */
  readonly until: number
  readonly #room: SharedRoom
  readonly #key: string | undefined
  #left = false

  constructor(room: SharedRoom, key: string | undefined, call: Call, parent: Frame, until: number) {
    super()
    this.#room = room
    this.#key = key
    this.call = call
    this.parent = parent
    this.until = until
  }

  ask(): void {
    void this.#room.limiter.take(this.#key, this.call.cost).then(verdict => {
      if (!this.#left) this.#room.told(this, verdict)
    })
  }

  interrupt(reason: unknown): void {
    this.#left = true
    if (this.waiting) this.#room.waiting--
    this.#room.timers.remove(this)
    this.parent.fail(reason)
  }

  expire(): void {
    this.#room.waiting--
    this.ask()
  }
}
