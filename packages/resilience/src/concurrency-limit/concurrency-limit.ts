import type { Call, Frame, Step } from '../call.ts'
import { ConcurrencyLimitedError, withoutStack } from '../errors.ts'
import type { ConcurrencyRefusal } from '../events.ts'
import { type Bound, checkMs, checkWhole, type Part, type Site } from '../part.ts'
import { PRIORITIES } from '../priority.ts'
import { PriorityQueue } from '../priority-queue.ts'
import { TimerLine } from '../timer-line.ts'
import { LimitedFrame } from './limited-frame.ts'
import { AdaptiveLimiter, type ConcurrencyLimitSnapshot } from './limiter.ts'
import { type ConcurrencyLimiterOptions, type LimiterSettings, limiterSettings } from './settings.ts'

export interface ConcurrencyLimitOptions extends ConcurrencyLimiterOptions {
  /** How many more may wait. Keep it short: what waits here only comes later. Default 0. */
  queue?: number
  /** How long one waits at most, in milliseconds. Default 50. */
  queueTimeoutMs?: number
  /** Which other errors mean that the dependency is overloaded: a 503, say. Default: none, only timeouts do. */
  dropsOn?: (error: unknown) => boolean
}

/**
 * Lets as many calls run at once as the dependency can serve, and finds out how many that are: see `Gradient`. The others
 * fail with `ConcurrencyLimitedError`; sheddable ones first, critical ones last, by the `shares` of the limit.
 *
 * It learns from what answers take; a timeout says that there are too many; what its caller gave up, what a part further
 * in turned away and other errors say nothing. A place is held while the function runs, as in a bulkhead.
 *
 * Who waits goes by priority. Among equals the first come is served first; but once there has been someone waiting for
 * half of `queueTimeoutMs`, the last come is ("Fail at Scale", Maurer, 2015): in an overload all would wait as long as
 * they may and come too late, where the newest can still be served in time, at the price of those that are late anyway.
 * @throws RangeError for settings out of range.
 */
export function concurrencyLimit(options: ConcurrencyLimitOptions = {}): Part {
  const settings: Settings = {
    limiter: limiterSettings(options),
    queue: checkWhole('queue', options.queue ?? 0, 0),
    queueTimeoutMs: checkMs('queueTimeoutMs', options.queueTimeoutMs ?? 50),
    dropsOn: options.dropsOn ?? (() => false)
  }
  return {
    kind: 'concurrency-limit',
    explain: () => explain(settings),
    bind: (site, next) => new ConcurrencyLimit(settings, site, next)
  }
}

interface Settings {
  readonly limiter: LimiterSettings
  readonly queue: number
  readonly queueTimeoutMs: number
  readonly dropsOn: (error: unknown) => boolean
}

function explain({ limiter, queue, queueTimeoutMs }: Settings): string {
  const { initialLimit, minLimit, maxLimit, tolerance, shares, pressure } = limiter
  const [, normal, sheddable] = shares.map(share => `${Number((share * 100).toFixed(2))} %`)
  const others = queue === 0 ? 'none waits' : `${queue} more wait for up to ${queueTimeoutMs} ms`
  return (
    `concurrency limit: from ${minLimit} to ${maxLimit} at once, ${initialLimit} to begin with, as many as keep calls ` +
    `within ${tolerance} times what they take at rest; normal calls have ${normal} of it and sheddable ones ${sheddable}; ` +
    `${others}, and the rest are refused${pressure === null ? '' : '; less under pressure'}`
  )
}

export class ConcurrencyLimit implements Bound {
  readonly site: Site
  readonly limiter: AdaptiveLimiter
  readonly dropsOn: (error: unknown) => boolean
  readonly #settings: Settings
  readonly #next: Step
  readonly #queue = new PriorityQueue<LimitedFrame>()
  readonly #line: TimerLine
  #waitingSince = 0
  #admitting = false
  /** As it was last told. */
  #told: number

  constructor(settings: Settings, site: Site, next: Step) {
    this.#settings = settings
    this.site = site
    this.dropsOn = settings.dropsOn
    this.#next = next
    this.limiter = new AdaptiveLimiter(settings.limiter, site.random, site.clock.now())
    this.#line = new TimerLine(site.clock)
    this.#told = this.limiter.limit
  }

  enter(call: Call, parent: Frame): void {
    const frame = new LimitedFrame(this, call, parent)
    if (this.#queue.length > 0) {
      // The pressure may have fallen since: those who wait came first.
      this.#letIn(call.at)
      const next = this.#queue.next()
      if (next !== null && next.rank <= frame.rank) {
        this.#wait(frame)
        return
      }
    }
    if (this.limiter.hasRoom(frame.rank, call.at)) this.#begin(frame, call.at)
    else this.#wait(frame)
  }

  snapshot(): ConcurrencyLimitSnapshot {
    return this.limiter.snapshot(this.site.clock.now(), this.#queue.length)
  }

  release(frame: LimitedFrame): void {
    this.limiter.giveBack(frame)
    const { limit } = this.limiter
    if (Math.abs(limit - this.#told) >= Math.max(1, this.#told / 10)) {
      this.site.emit({ type: 'concurrency-limit.changed', from: this.#told, to: limit })
      this.#told = limit
    }
    if (this.#queue.length > 0) this.#letIn(this.site.clock.now())
  }

  leaveQueue(frame: LimitedFrame): void {
    this.#queue.remove(frame)
    this.#line.remove(frame)
  }

  turnAway(frame: LimitedFrame, reason: ConcurrencyRefusal): void {
    this.leaveQueue(frame)
    frame.call.leaf = null
    this.#refuse(frame.call, frame.parent, reason)
  }

  /** By a loop and not from within each other, however fast they end. */
  #letIn(now: number): void {
    if (this.#admitting) return
    this.#admitting = true
    try {
      for (let frame = this.#queue.next(this.#newestFirst(now)); frame !== null; ) {
        if (!this.limiter.hasRoom(frame.rank, now)) break
        this.leaveQueue(frame)
        frame.call.leaf = null
        frame.call.at = now
        this.#begin(frame, now)
        frame = this.#queue.next(this.#newestFirst(now))
      }
    } finally {
      this.#admitting = false
    }
  }

  #begin(frame: LimitedFrame, now: number): void {
    this.limiter.admit(frame, now)
    frame.call.holder = frame
    this.#next.enter(frame.call, frame)
  }

  #wait(frame: LimitedFrame): void {
    const { call } = frame
    let displaced: LimitedFrame | null = null
    if (this.#queue.length >= this.#settings.queue) {
      displaced = this.#queue.lastBelow(frame.rank, this.#newestFirst(call.at))
      if (displaced === null) {
        this.#refuse(call, frame.parent, 'full')
        return
      }
      this.leaveQueue(displaced)
    } else if (this.#queue.length === 0) this.#waitingSince = call.at
    this.#queue.push(frame)
    if (call.waitFor(frame)) this.#line.add(frame, call.at + this.#settings.queueTimeoutMs, call.at)
    if (displaced !== null) {
      displaced.call.leaf = null
      this.#refuse(displaced.call, displaced.parent, 'displaced')
    }
  }

  #newestFirst(now: number): boolean {
    return now - this.#waitingSince >= this.#settings.queueTimeoutMs / 2
  }

  #refuse(call: Call, parent: Frame, reason: ConcurrencyRefusal): void {
    const { site, limiter } = this
    const { limit, retryAfterMs } = limiter
    const priority = PRIORITIES[call.rank]!
    site.tally.concurrencyLimitRejections++
    site.emit({ type: 'concurrency-limit.rejected', priority, reason, limit, retryAfterMs }, call)
    parent.fail(withoutStack(() => new ConcurrencyLimitedError(site.policy, priority, limit, retryAfterMs)))
  }
}
