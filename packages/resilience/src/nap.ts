import type { Clock } from './clock.ts'

export interface Sleeper {
  /** The nap is over. */
  wake(): void
}

/** How long a nap lasts, in milliseconds. */
export const NAP_MS = 50

/**
 * One timer for all who want to be woken within the next moment, whoever they are: ten thousand policies that are called
 * together set one and not ten thousand. Whoever is woken looks for itself whether anything is due.
 */
export class Nap {
  /** When it wakes those who sleep; Infinity when nobody does. */
  until = Infinity
  readonly #clock: Clock
  readonly #end = () => this.#wakeAll()
  #sleepers: Sleeper[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Will wake `sleeper`, once, no later than `due`. False when it cannot: it sleeps longer than that. */
  join(sleeper: Sleeper, due: number, now: number): boolean {
    const until = this.until === Infinity ? now + NAP_MS : this.until
    if (due < until) return false
    if (this.until === Infinity) {
      this.until = until
      this.#clock.setTimer(this.#end, NAP_MS)
    }
    this.#sleepers.push(sleeper)
    return true
  }

  #wakeAll(): void {
    const sleepers = this.#sleepers
    this.#sleepers = []
    this.until = Infinity
    for (const sleeper of sleepers) sleeper.wake()
  }
}

const naps = new WeakMap<Clock, Nap>()

/** The nap of all who live by this clock. */
export function napOf(clock: Clock): Nap {
  let nap = naps.get(clock)
  if (nap === undefined) {
    nap = new Nap(clock)
    naps.set(clock, nap)
  }
  return nap
}
