import { type DistinctCounter, distinct, histogram, type LatencyHistogram } from '@plimsoll/sketches'

/** One row of a view: its key in the order of the declaration, its numbers, and its sketches where it has them. */
export interface Row {
  /** Words as they are, times in milliseconds. */
  readonly key: readonly (string | number)[]
  readonly numbers: number[]
  latency: LatencyHistogram
  users: DistinctCounter
}

export interface RowShape {
  /** What a row's numbers are before anything is added: 0, or an infinity where the least or greatest is kept. */
  blank: readonly number[]
  /** How many users a row counts one by one; absent where it has no sketches. */
  usersExactly?: number | undefined
}

/** What a batch adds to a view, row by row. `id` stands for the key, and is made by each fold as it finds cheapest. */
export class Rows {
  readonly #rows = new Map<string, Row>()
  readonly #shape: RowShape

  constructor(shape: RowShape) {
    this.#shape = shape
  }

  get(id: string): Row | undefined {
    return this.#rows.get(id)
  }

  add(id: string, key: Row['key']): Row {
    const { blank, usersExactly } = this.#shape
    const row = {
      key,
      numbers: [...blank],
      latency: usersExactly === undefined ? none.latency : histogram.empty(),
      users: usersExactly === undefined ? none.users : distinct.empty(usersExactly)
    }
    this.#rows.set(id, row)
    return row
  }

  /** As they are now: those added meanwhile are not among them. */
  all(): Row[] {
    return [...this.#rows.values()]
  }

  ids(): string[] {
    return [...this.#rows.keys()]
  }

  get size(): number {
    return this.#rows.size
  }
}

const none = { latency: histogram.empty(), users: distinct.empty(0) }

export function addRow(into: Row, from: Row): void {
  from.numbers.forEach((n, i) => {
    into.numbers[i]! += n
  })
  histogram.merge(into.latency, from.latency)
  distinct.merge(into.users, from.users)
}
