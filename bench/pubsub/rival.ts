/** What is measured of each: messages published, and handled by one group or by three. */
export interface Rival {
  name: string
  /** Messages that it is given to handle, times the common load: so many that it is warm before they are over. */
  load: number
  /**
   * Publishes `count` messages so that each of `groups` groups will get them; `ids`: under ids of the publisher's, of which
   * each is kept once.
   */
  publish(count: number, groups: number, ids?: boolean): Promise<unknown>
  /**
   * Handles the `count` messages that were just published, in each group, `batch` at a time where it can, and calls `handled`
   * with how many were handled each time. Ends when all were.
   */
  consume(count: number, batch: number, groups: number, handled: (count: number) => void): Promise<void>
  /** Empties it of what was published before, so that it is measured at its best. */
  clear?(): Promise<unknown>
  close(): Promise<void>
}

export const data = { item: 'anchor, 20 kg', quantity: 2, price: { amount: 49.9, currency: 'EUR' } }

export const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i))

/** Counts down, and says when it is through. */
export function countdown(count: number): { done: Promise<void>; one(): void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  let left = count
  return {
    done: promise,
    one() {
      if (--left === 0) resolve()
    }
  }
}
