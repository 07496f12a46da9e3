import { PRIORITIES, type Rank } from './priority.ts'
import { type Place, Queue } from './queue.ts'

export interface RankedPlace extends Place {
  readonly rank: Rank
}

/** Who matters more goes first; among equals the first come, or the last when it is asked for. */
export class PriorityQueue<P extends RankedPlace> {
  length = 0
  readonly #classes = PRIORITIES.map(() => new Queue<P>())

  push(place: P): void {
    this.length++
    this.#classes[place.rank]!.push(place)
  }

  /** Only for one that is in this queue. */
  remove(place: P): void {
    this.length--
    this.#classes[place.rank]!.remove(place)
  }

  /** Who is served next. */
  next(newestFirst = false): P | null {
    for (const queue of this.#classes) {
      if (queue.length > 0) return newestFirst ? queue.last : queue.first
    }
    return null
  }

  /** The first in order who passes the test. Walks past all who do not. */
  nextWhere(test: (place: P) => boolean): P | null {
    for (const queue of this.#classes) {
      for (let place = queue.first; place !== null; place = place.behind as P | null) {
        if (test(place)) return place
      }
    }
    return null
  }

  /** Of the lowest class below `rank`, the one who would be served last: who makes room for one of that rank. */
  lastBelow(rank: Rank, newestFirst = false): P | null {
    for (let lowest = this.#classes.length - 1; lowest > rank; lowest--) {
      const queue = this.#classes[lowest]!
      if (queue.length > 0) return newestFirst ? queue.first : queue.last
    }
    return null
  }

  /** As `lastBelow`, first come first served, among those who pass the test. */
  lastBelowWhere(rank: Rank, test: (place: P) => boolean): P | null {
    for (let lowest = this.#classes.length - 1; lowest > rank; lowest--) {
      for (let place = this.#classes[lowest]!.last; place !== null; place = place.ahead as P | null) {
        if (test(place)) return place
      }
    }
    return null
  }
}
