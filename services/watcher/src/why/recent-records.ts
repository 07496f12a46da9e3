import { type BlackBoxRecord, readRecords } from '@plimsoll/recorder'

/** What was written up to so long before the newest record may still change or come, in milliseconds. */
const unsettledMs = 5_000
/** The clock was set where it moves by more than this against the steady one, in milliseconds. */
const jumpMs = 1_000

/**
 * The records of the last while, of which each reading decodes only what is new. A look every few seconds would else decode
 * the same quarter of an hour each time.
 */
export class RecentRecords {
  #directory: string
  #kept: BlackBoxRecord[] = []
  #from = Number.POSITIVE_INFINITY
  #drift = 0

  constructor(directory: string) {
    this.#directory = directory
  }

  /**
   * @param span milliseconds since 1970
   * @param drift by how much the time of day is ahead of a steady clock: where it jumps, all is read anew
   */
  read({ from, to }: { from: number; to: number }, drift = Date.now() - performance.now()): readonly BlackBoxRecord[] {
    const newest = this.#kept.at(-1)?.at
    const known = newest !== undefined && from >= this.#from && Math.abs(drift - this.#drift) < jumpMs
    const since = known ? Math.max(from, newest - unsettledMs) : from
    const { records } = readRecords(this.#directory, { from: since, to })
    const settled = known ? this.#kept.filter(({ at }) => at >= from && at < since) : []
    this.#kept = [...settled, ...records]
    this.#from = from
    this.#drift = drift
    return this.#kept
  }
}
