import type { Recorded } from '../spool/ingest-spool.ts'
import type { ValidEvent } from './validate.ts'

/** Projects that are told apart at once; what more there are shares a row. */
const mostProjects = 1_000

/** What came of events since the last look: for whoever watches, and not for the books, which are in the store. */
export class IngestCounts {
  #accepted = 0
  #duplicate = 0
  #rejected = 0
  #unknown = 0
  #spoolFailed = 0
  readonly #offered = new Map<string, number>()

  /** Events of a request with an outcome each, and those that were not valid. */
  recorded(project: string, events: readonly ValidEvent[], outcomes: readonly Recorded[], rejected: number): void {
    const name = this.#offered.has(project) || this.#offered.size < mostProjects ? project : '(other)'
    this.#offered.set(name, (this.#offered.get(name) ?? 0) + events.length + rejected)
    this.#rejected += rejected
    for (let i = 0; i < outcomes.length; i++) {
      switch (outcomes[i]) {
        case 'accepted':
        case 'spooled':
          this.#accepted++
          if (events[i]?.enrichment.state === 'unknown') this.#unknown++
          break
        case 'duplicate':
          this.#duplicate++
          break
        case 'conflict':
        case 'overfull':
          this.#rejected++
      }
    }
  }

  /** The disk did not take what was to be spooled. */
  spoolFailed(): void {
    this.#spoolFailed++
  }

  /** The counts since the last time they were taken, and the project that sent the most of it. */
  take() {
    let busiest: { project: string; share: number } | undefined
    let all = 0
    for (const events of this.#offered.values()) all += events
    for (const [project, events] of this.#offered) {
      const share = events / all
      if (share > (busiest?.share ?? 0)) busiest = { project, share }
    }
    const counts = {
      offered: all,
      accepted: this.#accepted,
      duplicate: this.#duplicate,
      rejected: this.#rejected,
      unknown: this.#unknown,
      spoolFailed: this.#spoolFailed,
      busiest
    }
    this.#accepted = this.#duplicate = this.#rejected = this.#unknown = this.#spoolFailed = 0
    this.#offered.clear()
    return counts
  }
}
