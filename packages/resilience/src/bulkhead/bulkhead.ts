import type { Call, Frame, Holder, Leaf, Step } from '../call.ts'
import { BulkheadFullError, type BulkheadRefusal, withoutStack } from '../errors.ts'
import type { Bound, Part, Site } from '../part.ts'
import type { Rank } from '../priority.ts'
import { PriorityQueue, type RankedPlace } from '../priority-queue.ts'
import type { Place } from '../queue.ts'
import { TimerEntry, TimerLine } from '../timer-line.ts'
import { KeyPlaces } from './key-places.ts'
import {
  type BulkheadOptions,
  type BulkheadSettings,
  bulkheadSettings,
  explainBulkhead,
  whyRefused
} from './settings.ts'

export interface BulkheadSnapshot {
  running: number
  queued: number
  concurrency: number
  /** Keys with a call that runs or waits. Only with `perKey`. */
  keys?: number
}

/**
 * Lets so many calls run at once, and so many wait. The others fail with `BulkheadFullError`.
 *
 * Who waits is served by the `priority` of `run`, and first come first served within it. When all places are taken, one
 * of a higher priority displaces the newest of the lowest, which has waited least and would be served last. Who was given
 * a slot keeps it.
 *
 * A slot is held while the function runs, not while someone waits for its answer: a call that was timed out or given up
 * keeps its slot until its function has ended, wherever the timeout stands. So no more run than `concurrency`.
 * With a `retry` inside, a slot stands for a call with all its attempts; put the bulkhead inside to limit attempts.
 * @throws RangeError for settings out of range.
 */
export function bulkhead(options: BulkheadOptions): Part {
  const settings = bulkheadSettings(options)
  return {
    kind: 'bulkhead',
    explain: () => explainBulkhead(settings),
    bind: (site, next) => new Bulkhead(settings, site, next)
  }
}

class Bulkhead implements Bound {
  readonly site: Site
  readonly #settings: BulkheadSettings
  readonly #next: Step
  readonly #queue = new PriorityQueue<WaitingPlace>()
  readonly #keys: KeyPlaces | null
  /** Made once, and not for each look. */
  readonly #eligible = (place: WaitingPlace) => this.#keys!.mayRun(place.call.key)
  readonly #line: TimerLine
  #running = 0
  #admitting = false

  constructor(settings: BulkheadSettings, site: Site, next: Step) {
    this.#settings = settings
    this.site = site
    this.#next = next
    this.#keys = settings.perKey === null ? null : new KeyPlaces(settings.perKey)
    this.#line = new TimerLine(site.clock)
  }

  enter(call: Call, parent: Frame): void {
    if (this.#mayBegin(call)) this.#begin(call, parent)
    else this.#wait(new WaitingPlace(this, call, parent))
  }

  snapshot(): BulkheadSnapshot {
    const { concurrency } = this.#settings
    const counts = { running: this.#running, queued: this.#queue.length, concurrency }
    return this.#keys === null ? counts : { ...counts, keys: this.#keys.size }
  }

  /** A slot is free. Waiters are let in by a loop and not from within each other, however fast they end. */
  release(key: string | undefined): void {
    this.#running--
    this.#keys?.ended(key)
    if (this.#admitting) return
    this.#admitting = true
    try {
      while (this.#running < this.#settings.concurrency) {
        if (this.#queue.length === 0) break
        const place = this.#keys === null ? this.#queue.next() : this.#queue.nextWhere(this.#eligible)
        if (place === null) break
        this.leaveQueue(place)
        place.call.leaf = null
        place.call.at = this.site.clock.now()
        this.#begin(place.call, place.parent)
      }
    } finally {
      this.#admitting = false
    }
  }

  leaveQueue(place: WaitingPlace): void {
    this.#queue.remove(place)
    this.#keys?.leaves(place.call.key)
    this.#line.remove(place)
  }

  /** Ends the wait of one who gets no slot. */
  turnAway(place: WaitingPlace, reason: BulkheadRefusal): void {
    this.leaveQueue(place)
    place.call.leaf = null
    this.#refuse(place, reason)
  }

  /** A slot is never free while someone waits who may have it: release hands it on in the same breath. */
  #mayBegin(call: Call): boolean {
    if (this.#running >= this.#settings.concurrency) return false
    return this.#keys === null || this.#keys.mayRun(call.key)
  }

  #begin(call: Call, parent: Frame): void {
    this.#running++
    this.#keys?.begins(call.key)
    const slot = new Slot(this, call, parent)
    call.holder = slot
    this.#next.enter(call, slot)
  }

  #wait(place: WaitingPlace): void {
    const { key, rank } = place.call
    let displaced: WaitingPlace | null = null
    if (this.#keys !== null && !this.#keys.mayWait(key)) {
      displaced = this.#queue.lastBelowWhere(rank, other => other.call.key === key)
      if (displaced === null) {
        const full = this.#queue.length >= this.#settings.queue && this.#keys.mayRun(key)
        this.#refuse(place, full ? 'full' : 'key-full')
        return
      }
    } else if (this.#queue.length >= this.#settings.queue) {
      displaced = this.#queue.lastBelow(rank)
      if (displaced === null) {
        this.#refuse(place, 'full')
        return
      }
    }
    // The newcomer stands in its place before the other hears of it: what that one does next finds no gap.
    if (displaced !== null) this.leaveQueue(displaced)
    this.#enqueue(place)
    if (displaced !== null) {
      displaced.call.leaf = null
      this.#refuse(displaced, 'displaced')
    }
  }

  #enqueue(place: WaitingPlace): void {
    const { queueTimeoutMs } = this.#settings
    this.#queue.push(place)
    this.#keys?.waits(place.call.key)
    if (!place.call.waitFor(place)) return
    if (queueTimeoutMs !== Infinity) this.#line.add(place, place.call.at + queueTimeoutMs, place.call.at)
  }

  #refuse(place: WaitingPlace, reason: BulkheadRefusal): void {
    const why = whyRefused(reason, this.#settings)
    this.site.tally.bulkheadRejections++
    this.site.emit({ type: 'bulkhead.rejected', reason }, place.call)
    place.parent.fail(withoutStack(() => new BulkheadFullError(this.site.policy, reason, why)))
  }
}

/** A call that waits for a slot. Most never do: what waiting takes is not made for the others. */
class WaitingPlace extends TimerEntry implements Leaf, RankedPlace {
  ahead: Place | null = null
  behind: Place | null = null
  readonly call: Call
  readonly parent: Frame
  readonly #bulkhead: Bulkhead

  constructor(bulkhead: Bulkhead, call: Call, parent: Frame) {
    super()
    this.#bulkhead = bulkhead
    this.call = call
    this.parent = parent
  }

  get rank(): Rank {
    return this.call.rank
  }

  interrupt(reason: unknown): void {
    this.#bulkhead.leaveQueue(this)
    this.parent.fail(reason)
  }

  expire(): void {
    this.#bulkhead.turnAway(this, 'queue-timeout')
  }
}

/** A call that runs. */
class Slot implements Frame, Holder {
  running = 0
  readonly outer: Holder | null
  readonly #bulkhead: Bulkhead
  readonly #call: Call
  /** Null when the call has its answer. */
  #parent: Frame | null
  #released = false

  constructor(bulkhead: Bulkhead, call: Call, parent: Frame) {
    this.#bulkhead = bulkhead
    this.#call = call
    this.#parent = parent
    this.outer = call.holder
  }

  ok(value: unknown): void {
    this.#answer().ok(value)
    this.idle()
  }

  fail(error: unknown): void {
    this.#answer().fail(error)
    this.idle()
  }

  /** Gives the slot back, once: when the call has its answer and the last function begun under it has ended. */
  idle(): void {
    if (this.#parent !== null || this.running > 0 || this.#released) return
    this.#released = true
    this.#bulkhead.release(this.#call.key)
  }

  #answer(): Frame {
    const parent = this.#parent!
    this.#parent = null
    this.#call.holder = this.outer
    return parent
  }
}
