import type { Call, Frame, Leaf, Step } from '../call.ts'
import type { Clock } from '../clock.ts'
import { type Place, Queue } from '../queue.ts'
import { TimerEntry, TimerLine } from '../timer-line.ts'
import type { Bucket } from './bucket.ts'
import type { LocalLimiter } from './limiter.ts'

/** Those who wait for one bucket. */
interface Line {
  readonly bucket: Bucket
  readonly key: string | undefined
  readonly queue: Queue<Waiter>
  /** What they will take, all together. */
  cost: number
}

/**
 * Calls that wait for their turn at a bucket, first come first served. Nothing is taken for them before their turn, so
 * whoever leaves gives nothing back, and those behind move up. Only the first of a line has a timer.
 */
export class WaitingRoom {
  waiting = 0
  readonly #limiter: LocalLimiter
  readonly #clock: Clock
  readonly #next: Step
  readonly #timers: TimerLine
  readonly #lines = new Map<Bucket, Line>()

  constructor(limiter: LocalLimiter, clock: Clock, next: Step) {
    this.#limiter = limiter
    this.#clock = clock
    this.#next = next
    this.#timers = new TimerLine(clock)
  }

  /** What those who wait for this bucket will take before a newcomer. */
  aheadAt(bucket: Bucket): number {
    return this.waiting === 0 ? 0 : (this.#lines.get(bucket)?.cost ?? 0)
  }

  enter(bucket: Bucket, key: string | undefined, call: Call, parent: Frame): void {
    let line = this.#lines.get(bucket)
    if (line === undefined) {
      line = { bucket, key, queue: new Queue(), cost: 0 }
      this.#lines.set(bucket, line)
    }
    const waiter = new Waiter(this, line, call, parent)
    this.waiting++
    line.queue.push(waiter)
    line.cost += call.cost
    if (!call.waitFor(waiter)) return
    if (line.queue.first === waiter) this.#arm(line, call.at)
  }

  leave(waiter: Waiter): void {
    const wasFirst = this.#remove(waiter)
    if (wasFirst) this.#arm(waiter.line, this.#clock.now())
  }

  turnOf(waiter: Waiter): void {
    const { call, line, parent } = waiter
    const now = this.#clock.now()
    if (this.#limiter.waitMs(line.bucket, call.cost, 0, now) > 0) {
      this.#arm(line, now)
      return
    }
    this.#remove(waiter)
    this.#limiter.takeFrom(line.bucket, line.key, call.cost, now)
    this.#arm(line, now)
    call.leaf = null
    call.at = now
    this.#next.enter(call, parent)
  }

  #remove(waiter: Waiter): boolean {
    const { line } = waiter
    const wasFirst = line.queue.first === waiter
    this.waiting--
    line.queue.remove(waiter)
    line.cost -= waiter.call.cost
    this.#timers.remove(waiter)
    if (line.queue.length === 0) this.#lines.delete(line.bucket)
    return wasFirst
  }

  #arm(line: Line, now: number): void {
    const { first } = line.queue
    if (first === null) return
    this.#timers.add(first, now + this.#limiter.waitMs(line.bucket, first.call.cost, 0, now), now)
  }
}

class Waiter extends TimerEntry implements Leaf, Place {
  ahead: Place | null = null
  behind: Place | null = null
  readonly line: Line
  readonly call: Call
  readonly parent: Frame
  readonly #room: WaitingRoom

  constructor(room: WaitingRoom, line: Line, call: Call, parent: Frame) {
    super()
    this.#room = room
    this.line = line
    this.call = call
    this.parent = parent
  }

  interrupt(reason: unknown): void {
    this.#room.leave(this)
    this.parent.fail(reason)
  }

  expire(): void {
    this.#room.turnOf(this)
  }
}
