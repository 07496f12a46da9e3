import type { Diagnosis, Standing } from '@plimsoll/recorder'

/** A younger trouble is seen whole by whoever reads the records, in milliseconds. */
const youngMs = 4 * 60_000
const everyMs = 60_000
/** More than so many causes at once are noted by the first of them. */
const most = 8

/** Notes each minute which causes go on for long, so that what was usual before them is not forgotten. */
export class StandingNotes {
  #record: (standing: Standing, now: number) => void
  #noted = new Map<string, number>()

  constructor(record: (standing: Standing, now: number) => void) {
    this.#record = record
  }

  /** @param now milliseconds since 1970 */
  observe({ causes }: Pick<Diagnosis, 'causes'>, now: number): void {
    const noted = new Map<string, number>()
    const standing = causes.filter(({ since, until }) => until === undefined && now - since >= youngMs)
    for (const { rule, subject, since } of standing.slice(0, most)) {
      const key = `${rule}\n${subject}`
      const last = this.#noted.get(key)
      // A clock that was put back must not silence it.
      const isDue = last === undefined || now - last >= everyMs || now < last
      if (isDue) this.#record({ rule, subject, since }, now)
      noted.set(key, isDue ? now : last)
    }
    this.#noted = noted
  }
}
