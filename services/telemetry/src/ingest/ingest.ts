import { type Database, GroupCommit } from '@plimsoll/database'
import type { Enricher } from '../enrichment/enricher.ts'
import { type Enrichment, unknown } from '../enrichment/enrichment.ts'
import { limits } from '../limits.ts'
import { refusalOf } from './refusal.ts'
import type { ValidEvent } from './validate.ts'
import type { EventOutcome, Outcome, Work } from './work.ts'

/** How the service learns what is known of users: within a budget, and never by failing. */
export interface Enrich {
  peek(userId: string): Enrichment | undefined
  enrich(userIds: Iterable<string>, budgetMs: number): Promise<Map<string, Enrichment>>
}

export interface IngestOptions {
  database: Database
  enrich: Enrich | Enricher
  /** Transactions at once. An embedded store takes one at a time: the second is there when the first ends. */
  committers: number
  /** Events that must wait before a second one begins. */
  beside: number
  now?(): number
}

/** The module that writes a batch, run beside the engine. */
const writeProcedure = new URL('../write-procedure.ts', import.meta.url)

export const minuteOf = (ms: number) => ms - (ms % 60_000)

/** The way of an event behind the door: enrich, then one commit for many. No connection is held while enriching. */
export class Ingest {
  #commits: GroupCommit<Work, Outcome>
  #enrich: Enrich
  #refused = new Map<string, { project: string; code: string; count: number }>()
  #flush: NodeJS.Timeout | undefined
  readonly now: () => number

  constructor({ database, enrich, committers, beside, now = Date.now }: IngestOptions) {
    this.#enrich = enrich
    this.now = now
    this.#commits = new GroupCommit({
      committers,
      beside,
      maxBatch: 1_000,
      maxPending: 20_000,
      commit: work => database.call<Outcome[]>(writeProcedure, work)
    })
  }

  /** Weight that waits for a commit now. */
  get pending(): number {
    return this.#commits.pending
  }

  /** Records events that are valid; counts those that were not. Resolves after the commit, one outcome an event. */
  async record(project: string, receivedAt: number, events: ValidEvent[], rejected: number): Promise<EventOutcome[]> {
    await this.attach(events)
    const outcome = await this.commit(
      { kind: 'events', project, minute: minuteOf(receivedAt), events, rejected },
      Math.max(1, events.length)
    )
    return (outcome as Extract<Outcome, { kind: 'events' }>).outcomes
  }

  /** Gives each event what is known of its user, within the budget. Most find it in memory and wait for nothing. */
  async attach(events: readonly ValidEvent[]): Promise<void> {
    let missed: Set<string> | undefined
    for (const event of events) {
      const fresh = this.#enrich.peek(event.userId)
      if (fresh) event.enrichment = fresh
      else {
        missed ??= new Set()
        missed.add(event.userId)
      }
    }
    if (!missed) return
    const found = await this.#enrich.enrich(missed, limits.enrichmentMs)
    for (const event of events) if (missed.has(event.userId)) event.enrichment = found.get(event.userId) ?? unknown
  }

  /** Commits one piece of work with whatever else is waiting. Rejects with a problem the client can act on. */
  async commit(work: Work, weight = 1): Promise<Outcome> {
    try {
      return await this.#commits.submit(work, weight)
    } catch (error) {
      throw refusalOf(error)
    }
  }

  /** Counts a request that was refused whole. Written within a second; a crash loses that second's count of refusals. */
  countRefused(project: string, code: string): void {
    const key = `${code}/${project}`
    const entry = this.#refused.get(key) ?? { project, code, count: 0 }
    entry.count++
    this.#refused.set(key, entry)
    this.#flush ??= setTimeout(() => this.#flushRefused(), 1_000).unref()
  }

  #flushRefused(): void {
    clearTimeout(this.#flush)
    this.#flush = undefined
    const counts = [...this.#refused.values()]
    this.#refused.clear()
    for (const count of counts) this.#commits.submit({ kind: 'refused', ...count }).catch(() => undefined)
  }

  /** Answers what was taken, writes what was counted, and takes no more. */
  async close(): Promise<void> {
    this.#flushRefused()
    await this.#commits.close()
  }
}
