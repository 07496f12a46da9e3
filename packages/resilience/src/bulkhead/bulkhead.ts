import type { Call, Frame, Holder, Leaf, Step } from '../call.ts'
import { BulkheadFullError, withoutStack } from '../errors.ts'
import { type Bound, checkMs, checkWhole, type Part, type Site } from '../part.ts'
import { TimerEntry, TimerLine } from '../timer-line.ts'
import { type Place, Queue } from './queue.ts'

export interface BulkheadOptions {
  /** How many calls run at once. */
  concurrency: number
  /** How many more may wait for a slot. Default 0. */
  queue?: number
  /** How long one waits at most, in milliseconds. Default Infinity: until its deadline or its caller ends it. */
  queueTimeoutMs?: number
}

export interface BulkheadSnapshot {
  running: number
  queued: number
  concurrency: number
}

/**
 * Lets so many calls run at once, and so many wait, first come first served. The others fail with `BulkheadFullError`.
 *
 * A slot is held while the function runs, not while someone waits for its answer: a call that was timed out or given up
 * keeps its slot until its function has ended, wherever the timeout stands. So no more run than `concurrency`.
 * With a `retry` inside, a slot stands for a call with all its attempts; put the bulkhead inside to limit attempts.
 * @throws RangeError for settings out of range.
 */
export function bulkhead({ concurrency, queue = 0, queueTimeoutMs = Infinity }: BulkheadOptions): Part {
  checkWhole('concurrency', concurrency, 1)
  checkWhole('queue', queue, 0)
  checkMs('queueTimeoutMs', queueTimeoutMs, { endless: true })
  const wait = queueTimeoutMs === Infinity ? '' : ` for up to ${queueTimeoutMs} ms`
  const others = queue === 0 ? 'none waits' : `${queue} more wait${wait}, first come first served`
  return {
    kind: 'bulkhead',
    explain: () => `bulkhead: ${concurrency} run at once, ${others}, and the rest are refused`,
    bind: (site, next) => new Bulkhead({ concurrency, queue, queueTimeoutMs }, site, next)
  }
}

class Bulkhead implements Bound {
  readonly site: Site
  readonly #settings: Required<BulkheadOptions>
  readonly #next: Step
  readonly #queue = new Queue<BulkheadFrame>()
  readonly #line: TimerLine
  #running = 0
  #admitting = false

  constructor(settings: Required<BulkheadOptions>, site: Site, next: Step) {
    this.#settings = settings
    this.site = site
    this.#next = next
    this.#line = new TimerLine(site.clock)
  }

  readonly enter: Step = (call, parent) => {
    const frame = new BulkheadFrame(this, call, parent)
    // A slot is never free while someone waits: release hands it on in the same breath.
    if (this.#running < this.#settings.concurrency) {
      this.#running++
      this.#begin(frame)
    } else if (this.#queue.length < this.#settings.queue) {
      this.#enqueue(frame)
    } else {
      this.#refuse(frame, 'full')
    }
  }

  snapshot(): BulkheadSnapshot {
    return { running: this.#running, queued: this.#queue.length, concurrency: this.#settings.concurrency }
  }

  /** A slot is free. Waiters are let in by a loop and not from within each other, however fast they end. */
  release(): void {
    this.#running--
    if (this.#admitting) return
    this.#admitting = true
    try {
      while (this.#running < this.#settings.concurrency) {
        const frame = this.#queue.shift()
        if (frame === null) break
        this.#running++
        this.#line.remove(frame)
        frame.call.leaf = null
        frame.call.at = this.site.clock.now()
        this.#begin(frame)
      }
    } finally {
      this.#admitting = false
    }
  }

  leaveQueue(frame: BulkheadFrame): void {
    this.#queue.remove(frame)
    this.#line.remove(frame)
  }

  queueTimedOut(frame: BulkheadFrame): void {
    this.leaveQueue(frame)
    frame.call.leaf = null
    this.#refuse(frame, 'queue-timeout')
  }

  #begin(frame: BulkheadFrame): void {
    frame.call.holder = frame
    this.#next(frame.call, frame)
  }

  #enqueue(frame: BulkheadFrame): void {
    const { queueTimeoutMs } = this.#settings
    this.#queue.push(frame)
    if (!frame.call.waitFor(frame)) return
    if (queueTimeoutMs !== Infinity) this.#line.add(frame, frame.call.at + queueTimeoutMs, frame.call.at)
  }

  #refuse(frame: BulkheadFrame, reason: 'full' | 'queue-timeout'): void {
    const { concurrency, queue, queueTimeoutMs } = this.#settings
    const why =
      reason === 'full'
        ? `all ${concurrency} slots are taken and ${queue === 0 ? 'none may wait' : `${queue} wait already`}`
        : `no slot came free within ${queueTimeoutMs} ms`
    this.site.tally.bulkheadRejections++
    this.site.emit({ type: 'bulkhead.rejected', reason }, frame.call)
    frame.parent.fail(withoutStack(() => new BulkheadFullError(this.site.policy, reason, why)))
  }
}

class BulkheadFrame extends TimerEntry implements Frame, Leaf, Holder, Place {
  ahead: Place | null = null
  behind: Place | null = null
  running = 0
  readonly outer: Holder | null
  readonly call: Call
  readonly parent: Frame
  readonly #bulkhead: Bulkhead
  #answered = false
  #released = false

  constructor(bulkhead: Bulkhead, call: Call, parent: Frame) {
    super()
    this.#bulkhead = bulkhead
    this.call = call
    this.parent = parent
    this.outer = call.holder
  }

  ok(value: unknown): void {
    this.#leave()
    this.parent.ok(value)
    this.idle()
  }

  fail(error: unknown): void {
    this.#leave()
    this.parent.fail(error)
    this.idle()
  }

  /** Gives the slot back, once: when the call has its answer and the last function begun under it has ended. */
  idle(): void {
    if (!this.#answered || this.running > 0 || this.#released) return
    this.#released = true
    this.#bulkhead.release()
  }

  interrupt(reason: unknown): void {
    this.#bulkhead.leaveQueue(this)
    this.parent.fail(reason)
  }

  expire(): void {
    this.#bulkhead.queueTimedOut(this)
  }

  #leave(): void {
    this.#answered = true
    this.call.holder = this.outer
  }
}
