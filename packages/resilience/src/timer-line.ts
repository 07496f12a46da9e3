import type { Clock, TimerHandle } from './clock.ts'

/** Something that falls due. A frame is its own entry: nothing more is allocated for a timer. */
export abstract class TimerEntry {
  due = 0
  before: TimerEntry | null = null
  after: TimerEntry | null = null
  waiting = false

  abstract expire(): void
}

/** An empty line keeps its timer, and with it the process, for at most this long. */
const SHORT_MS = 50
/** Beyond 2^31 ms the system's timers fire at once. */
const LONG_MS = 86_400_000

/**
 * Many timers on one of the clock's: a list in order of what is due, of which only the head is armed.
 *
 * Entries mostly come in the order in which they fall due, so they are put in from the end. A call that is answered fast
 * touches no timer at all: the line stays armed for a moment after the last entry has left, and the next one finds it so.
 */
export class TimerLine {
  readonly #clock: Clock
  readonly #wake = () => this.#fire()
  #head: TimerEntry | null = null
  #tail: TimerEntry | null = null
  #armedFor = Infinity
  #long = false
  #handle: TimerHandle

  constructor(clock: Clock) {
    this.#clock = clock
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
    if (before === null && due < this.#armedFor) this.#arm(Math.min(due, now + SHORT_MS), now, false)
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
    if (this.#head === null && this.#long) this.#disarm()
  }

  #fire(): void {
    const now = this.#clock.now()
    this.#armedFor = Infinity
    this.#long = false
    for (let entry = this.#head; entry !== null && entry.due <= now; entry = this.#head) {
      this.remove(entry)
      entry.expire()
    }
    // Whoever has waited this long is likely to wait on: no more short naps for it.
    if (this.#head !== null && this.#armedFor > this.#head.due) this.#arm(this.#head.due, now, true)
  }

  #arm(at: number, now: number, long: boolean): void {
    if (this.#armedFor !== Infinity) this.#disarm()
    this.#armedFor = at
    this.#long = long
    // Rounded up, because timers count whole milliseconds and one that comes early would only have to be set again.
    this.#handle = this.#clock.setTimer(this.#wake, Math.min(LONG_MS, Math.ceil(at - now)))
  }

  #disarm(): void {
    this.#clock.clearTimer(this.#handle)
    this.#armedFor = Infinity
    this.#long = false
  }
}
