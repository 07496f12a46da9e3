import type { Clock, TimerHandle } from './clock.ts'
import { NAP_MS, type Nap, napOf, type Sleeper } from './nap.ts'

/** Something that falls due. A frame is its own entry: nothing more is allocated for a timer. */
export abstract class TimerEntry {
  due = 0
  before: TimerEntry | null = null
  after: TimerEntry | null = null
  waiting = false

  abstract expire(): void
}

/** Beyond 2^31 ms the system's timers fire at once. */
const LONG_MS = 86_400_000

/**
 * Many timers on one of the clock's: a list in order of what is due, of which only the head is armed.
 *
 * Entries mostly come in the order in which they fall due, so they are put in from the end. A call that is answered fast
 * touches no timer at all: the line is woken by the nap that all lines share, and sets a timer of its own only for an entry
 * that is still there then, or is due before. An empty line keeps a nap or a short timer, and with it the process, for at
 * most 50 ms.
 */
export class TimerLine implements Sleeper {
  readonly #clock: Clock
  readonly #nap: Nap
  readonly #ring = () => this.#rang()
  #head: TimerEntry | null = null
  #tail: TimerEntry | null = null
  /** When it next looks what is due. */
  #looksAt = Infinity
  #napping = false
  /** Of its own timer, or null; and for when that is, and whether that is far. */
  #handle: TimerHandle = null
  #ringsAt = Infinity
  #far = false

  constructor(clock: Clock) {
    this.#clock = clock
    this.#nap = napOf(clock)
  }

  /** @param now what the clock's `now()` says, or said a moment ago. */
  add(entry: TimerEntry, due: number, now: number): void {
    entry.due = due
    entry.waiting = true
    let before = this.#tail
    while (before !== null && before.due > due) before = before.before
    const after = before === null ? this.#head : before.after
    entry.before = before
    entry.after = after
    if (before === null) this.#head = entry
    else before.after = entry
    if (after === null) this.#tail = entry
    else after.before = entry
    if (before === null && due < this.#looksAt) this.#lookBy(due, now)
  }

  remove(entry: TimerEntry): void {
    if (!entry.waiting) return
    entry.waiting = false
    const { before, after } = entry
    if (before === null) this.#head = after
    else before.after = after
    if (after === null) this.#tail = before
    else after.before = before
    entry.before = entry.after = null
    if (this.#head === null && this.#far) this.#disarm()
  }

  wake(): void {
    this.#napping = false
    this.#fire()
  }

  #rang(): void {
    this.#handle = null
    this.#ringsAt = Infinity
    this.#far = false
    this.#fire()
  }

  #fire(): void {
    const now = this.#clock.now()
    this.#look()
    for (let entry = this.#head; entry !== null && entry.due <= now; entry = this.#head) {
      this.remove(entry)
      entry.expire()
    }
    // Whoever has waited this long is likely to wait on: no more short naps for it.
    if (this.#head !== null && this.#looksAt > this.#head.due) this.#arm(this.#head.due, now)
  }

  #lookBy(due: number, now: number): void {
    if (!this.#napping && this.#nap.join(this, due, now)) {
      this.#napping = true
      this.#disarm()
    } else {
      this.#arm(due, now)
    }
  }

  #arm(due: number, now: number): void {
    this.#disarm()
    this.#ringsAt = due
    this.#far = due - now > NAP_MS
    // Rounded up, because timers count whole milliseconds and one that comes early would only have to be set again.
    this.#handle = this.#clock.setTimer(this.#ring, Math.min(LONG_MS, Math.ceil(due - now)))
    this.#look()
  }

  #disarm(): void {
    if (this.#handle !== null) this.#clock.clearTimer(this.#handle)
    this.#handle = null
    this.#ringsAt = Infinity
    this.#far = false
    this.#look()
  }

  #look(): void {
    this.#looksAt = this.#napping ? Math.min(this.#nap.until, this.#ringsAt) : this.#ringsAt
  }
}
