import { randomUUIDv7 } from 'node:crypto'
import type { Database } from '@plimsoll/database'
import { isRejection } from '@plimsoll/resilience'
import type { Work } from '../ingest/work.ts'
import { findUnenriched } from '../store.ts'
import type { Enrichment } from './enrichment.ts'

export interface ReEnricherOptions {
  database: Database
  /** Asks the metadata API through its policy; rejects while the breaker is open. */
  load(userIds: readonly string[]): Promise<Map<string, Enrichment>>
  commit(work: Work): Promise<unknown>
  /** Time between looks when there was nothing to do or the API is away, in milliseconds. Default 1,000. */
  restMs?: number
  /** Time between pages while there is work, so that ingest goes first. Default 50. */
  paceMs?: number
  /** Sessions a page. Default 500. */
  page?: number
  onError?(error: unknown): void
  now?(): number
}

const lowest = '00000000-0000-0000-0000-000000000000'

/**
 * Asks again, in the background, for every session that was stored `unknown`, and writes what it learns as an entry of
 * the log, from which the read models restate themselves. It walks by id, so that sessions it cannot enrich do not keep
 * it from the others.
 */
export class ReEnricher {
  #options: Required<Omit<ReEnricherOptions, 'onError'>> & Pick<ReEnricherOptions, 'onError'>
  #from = lowest
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void> | undefined
  #stopped = false

  constructor(options: ReEnricherOptions) {
    this.#options = { restMs: 1_000, paceMs: 50, page: 500, now: Date.now, ...options }
  }

  start(): void {
    this.#wait(this.#options.restMs)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#round
  }

  #wait(ms: number): void {
    if (this.#stopped) return
    this.#timer = setTimeout(() => {
      this.#round = this.round().then(
        more => this.#wait(more ? this.#options.paceMs : this.#options.restMs),
        error => {
          // A refusal by the policy is the policy at work: the API is away, and there will be another round.
          if (!isRejection(error)) this.#options.onError?.(error)
          this.#wait(this.#options.restMs)
        }
      )
    }, ms)
  }

  /** One page. True when there may be more right away. */
  async round(): Promise<boolean> {
    const { database, load, commit, page } = this.#options
    const sessions = await findUnenriched(database, this.#from, page)
    if (sessions.length === 0) {
      this.#from = lowest
      return false
    }
    const answers = await load([...new Set(sessions.map(s => s.userId))])
    const at = this.#options.now()
    await Promise.all(
      sessions.map(({ project, id, userId }) => {
        const enrichment = answers.get(userId)
        if (!enrichment || enrichment.state === 'unknown') return undefined
        return commit({ kind: 'enrich', project, sessionId: id, userId, enrichment, at, logId: randomUUIDv7() })
      })
    )
    this.#from = sessions.length < page ? lowest : sessions.at(-1)!.id
    return this.#from !== lowest
  }
}
