/** A place in a queue. Whoever waits is its own place, so that leaving from the middle costs nothing. */
export interface Place {
  ahead: Place | null
  behind: Place | null
}

/** First come, first served; anyone may leave from anywhere. */
export class Queue<P extends Place> {
  length = 0
  #first: P | null = null
  #last: P | null = null

  get first(): P | null {
    return this.#first
  }

  get last(): P | null {
    return this.#last
  }

  push(place: P): void {
    place.ahead = this.#last
    place.behind = null
    if (this.#last === null) this.#first = place
    else this.#last.behind = place
    this.#last = place
    this.length++
  }

  /** Only for one that is in this queue. */
  remove(place: P): void {
    const ahead = place.ahead as P | null
    const behind = place.behind as P | null
    if (ahead === null) this.#first = behind
    else ahead.behind = behind
    if (behind === null) this.#last = ahead
    else behind.ahead = ahead
    place.ahead = place.behind = null
    this.length--
  }
}
