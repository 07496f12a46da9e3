import { type Clock, systemClock } from '../clock.ts'
import { checkMs, checkWhole } from '../part.ts'
import type { LoadShedder } from './load-shedder.ts'

export interface AnteroomOptions {
  /** How long somebody waits before the door is asked again, in milliseconds: a random time of this, or of up to half of it less. Default 150. */
  waitMs?: number
  /** How many wait at once at most; who comes beyond that is refused at once. Default 500. */
  places?: number
}

export interface Anteroom {
  /** How many wait now. */
  readonly waiting: number
  /**
   * Whether work of this key may come to the door: at once while it is open to it, else when it has been asked once more. No
   * one waits beyond `deadline`, an instant of the clock. A refusal is counted by the door, once.
   */
  enter(key: string, deadline?: number): boolean | Promise<boolean>
}

/**
 * A place to wait in, before a door that is closed. A caller who is refused and comes back at once costs more than one who is
 * let in: a few dozen of them, and the process does nothing but refuse. Here each of them waits for a moment, which costs a
 * timer, and may find the door open then. So they come as often as there are of them in that time, and no more.
 *
 * It holds callers and not their work: ask before a body is read.
 * @throws RangeError for settings out of range.
 */
export function anteroom(
  door: Pick<LoadShedder, 'refuses' | 'isClosedTo'>,
  { waitMs = 150, places = 500 }: AnteroomOptions = {},
  { clock = systemClock, random = Math.random }: { clock?: Clock; random?: () => number } = {}
): Anteroom {
  checkMs('waitMs', waitMs)
  checkWhole('places', places, 0)
  let waiting = 0
  return {
    get waiting() {
      return waiting
    },
    enter(key, deadline = Number.POSITIVE_INFINITY) {
      if (!door.isClosedTo(key)) return true
      const ms = waitMs * (1 - random() / 2)
      if (waiting >= places || clock.now() + ms >= deadline) return !door.refuses(key)
      waiting++
      return new Promise(resolve => {
        clock.setTimer(() => {
          waiting--
          resolve(!door.refuses(key))
        }, ms)
      })
    }
  }
}
