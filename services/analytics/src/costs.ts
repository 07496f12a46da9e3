import type { Cost } from './views/apply.ts'

/** What keeping one view up to date has cost since the start. */
export interface Spent {
  /** Steps or pieces of refreshes. */
  times: number
  /** Beside the store's engine, in milliseconds. */
  ms: number
  lastMs: number
  rows: number
}

/** Adds up what each view costs. */
export class Costs {
  readonly #views = new Map<string, Spent>()
  /** Entries of the log that were folded. */
  entries = 0

  spent(entries: number, costs: readonly Cost[]): void {
    this.entries += entries
    for (const { view, ms, rows } of costs) this.add(view, ms, rows)
  }

  add(view: string, ms: number, rows: number): void {
    const spent = this.of(view)
    this.#views.set(view, { times: spent.times + 1, ms: spent.ms + ms, lastMs: ms, rows: spent.rows + rows })
  }

  of(view: string): Spent {
    return this.#views.get(view) ?? { times: 0, ms: 0, lastMs: 0, rows: 0 }
  }
}
