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
  readonly #turnedAway = new Map<string, number>()

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
        case 'deleted':
          this.#rejected++
      }
    }
  }

  /** A request that the door did not let in. */
  turnedAway(project: string): void {
    const name = this.#turnedAway.has(project) || this.#turnedAway.size < mostProjects ? project : '(other)'
    this.#turnedAway.set(name, (this.#turnedAway.get(name) ?? 0) + 1)
  }

  /** The disk did not take what was to be spooled. */
  spoolFailed(): void {
    this.#spoolFailed++
  }

  /** The counts since the last time they were taken, and the projects that sent, and were turned away, the most of it. */
  take() {
    const offered = mostOf(this.#offered)
    const counts = {
      offered: offered.all,
      accepted: this.#accepted,
      duplicate: this.#duplicate,
      rejected: this.#rejected,
      unknown: this.#unknown,
      spoolFailed: this.#spoolFailed,
      busiest: offered.most,
      turnedAway: mostOf(this.#turnedAway).most
    }
    this.#accepted = this.#duplicate = this.#rejected = this.#unknown = this.#spoolFailed = 0
    this.#offered.clear()
    this.#turnedAway.clear()
    return counts
  }
}

function mostOf(counts: ReadonlyMap<string, number>) {
  let most: { project: string; share: number } | undefined
  let all = 0
  for (const count of counts.values()) all += count
  for (const [project, count] of counts) {
    const share = count / all
    if (share > (most?.share ?? 0)) most = { project, share }
  }
  return { all, most }
}
