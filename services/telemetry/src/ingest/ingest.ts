import { type Database, GroupCommit } from '@plimsoll/database'
import { type Cursor, isAfter, placeChannel } from '@plimsoll/eventlog'
import {
  type Anteroom,
  anteroom,
  type Clock,
  deadline as endBy,
  type LoadShedder,
  loadShedder,
  type Policy,
  policy
} from '@plimsoll/resilience'
import type { Enricher } from '../enrichment/enricher.ts'
import { type Enrichment, unknown } from '../enrichment/enrichment.ts'
import { limits } from '../limits.ts'
import type { IngestSpool, Recorded } from '../spool/ingest-spool.ts'
import type { EventsWork } from '../spool/record.ts'
import { Admission } from './admission.ts'
import { IngestCounts } from './counts.ts'
import { type Asking, overloaded, refusalOf, storeIsAway } from './refusal.ts'
import type { ValidEvent } from './validate.ts'
import type { Outcome, Work } from './work.ts'

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
  /** Where the log ends when this begins. */
  head: Cursor
  /** Measures how long things take. */
  clock: Clock
  /** Keeps events while the store is away. Without one they are refused. */
  spool?: IngestSpool | undefined
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
  /**
   * What stands around the primary store: nobody waits for it longer than they said. There is no breaker, since a refusal
   * would be no better than a failure, and no retry, since the group commit has its own.
   */
  readonly store: Policy
  /** Refuses what would wait too long, first of who has more than their part of the queue. */
  readonly door: LoadShedder
  readonly spool: IngestSpool | undefined
  readonly counts = new IngestCounts()
  /** Where who comes to a closed door waits for a moment. */
  readonly anteroom: Anteroom
  readonly #disk: Policy
  readonly #clock: Clock
  #place: Cursor

  constructor({ database, enrich, committers, beside, head, clock, spool, now = Date.now }: IngestOptions) {
    this.#enrich = enrich
    this.now = now
    this.#clock = clock
    this.door = loadShedder({ softWaitMs: limits.softWaitMs, hardWaitMs: limits.hardWaitMs, floor: 500 }, { clock })
    this.anteroom = anteroom(this.door, {}, { clock })
    this.store = policy('primary-store', [endBy(limits.requestMs)], { clock })
    this.spool = spool
    this.#place = head
    // Told before the outcome of the commit is: who has an outcome is at this place or before it.
    database.listen(placeChannel, places => {
      for (const place of places as Cursor[]) if (isAfter(place, this.#place)) this.#place = place
    })
    this.#disk = policy('spool', [endBy(limits.requestMs)], { clock })
    this.#commits = new GroupCommit({
      committers,
      beside,
      maxBatch: 1_000,
      maxPending: 20_000,
      commit: work => database.call<Outcome[]>(writeProcedure, work)
    })
  }

  /**
   * A place in the log, as text, at or behind all that this process has committed. Read models that hold everything up to it
   * hold what any answer before told of; of a duplicate that another process wrote just now they may not.
   */
  get position(): string {
    return `${this.#place.xid}.${this.#place.position}`
  }

  /** Weight that waits for a commit now. */
  get pending(): number {
    return this.#commits.pending
  }

  /**
   * Comes back when a request may go on: at once, or after a moment before a door that was closed.
   * @throws Problem 503 `overloaded` when it still is
   */
  knock(project: string, deadline: number): void | Promise<void> {
    const entered = this.anteroom.enter(project, deadline)
    if (typeof entered === 'boolean') this.#admit(entered)
    else return entered.then(may => this.#admit(may))
  }

  #admit(may: boolean): void {
    if (!may) throw overloaded(this.door.retryAfterMs)
  }

  /** Does `work` for a request of so many events, if they need not wait too long. Rejects with 503 `overloaded` else. */
  async admitted<T>(project: string, events: number, work: (admission: Admission) => Promise<T>): Promise<T> {
    const permit = this.door.admit(project, events)
    if (!permit) throw overloaded(this.door.retryAfterMs)
    const admission = new Admission(permit)
    try {
      return await work(admission)
    } finally {
      admission.answered()
    }
  }

  /**
   * Records events that are valid; counts those that were not. Resolves after the commit, one outcome an event; or, with
   * the store away, when they are on this machine's disk.
   */
  async record(
    project: string,
    receivedAt: number,
    events: ValidEvent[],
    rejected: number,
    { admission, deadline }: { admission: Admission; deadline: number }
  ): Promise<Recorded[]> {
    const work: EventsWork = { kind: 'events', project, minute: minuteOf(receivedAt), events, rejected }
    const outcomes = await this.#recorded(work, events, { admission, deadline })
    this.counts.recorded(project, events, outcomes, rejected)
    return outcomes
  }

  async #recorded(
    work: EventsWork,
    events: ValidEvent[],
    { admission, deadline }: { admission: Admission; deadline: number }
  ): Promise<Recorded[]> {
    if (this.spool?.away) {
      this.#attachKnown(events)
      return this.#keep(this.spool, work, { admission, deadline })
    }
    const missed = this.#attachKnown(events)
    if (missed) await this.#attachMissed(events, missed, deadline)
    try {
      const outcome = await this.store.run(
        () => admission.during(this.#commits.submit(work, Math.max(1, events.length))),
        { deadline }
      )
      return (outcome as Extract<Outcome, { kind: 'events' }>).outcomes
    } catch (error) {
      if (!this.spool || !storeIsAway(error)) throw refusalOf(error)
      this.spool.storeFailed()
      return this.#keep(this.spool, work, { admission, deadline })
    }
  }

  async #keep(
    spool: IngestSpool,
    work: EventsWork,
    { admission, deadline }: { admission: Admission; deadline: number }
  ): Promise<Recorded[]> {
    try {
      return await this.#disk.run(() => admission.during(spool.keep(work)), { deadline })
    } catch (error) {
      this.counts.spoolFailed()
      throw refusalOf(error)
    }
  }

  /** Gives each event what is known of its user, and returns the users of whom nothing is. */
  #attachKnown(events: readonly ValidEvent[]): Set<string> | undefined {
    let missed: Set<string> | undefined
    for (const event of events) {
      const fresh = this.#enrich.peek(event.userId)
      if (fresh) event.enrichment = fresh
      else {
        missed ??= new Set()
        missed.add(event.userId)
      }
    }
    return missed
  }

  /** Gives each event what is known of its user, within the budget and well before the deadline. Most find it in memory and wait for nothing. */
  async attach(events: readonly ValidEvent[], deadline: number): Promise<void> {
    const missed = this.#attachKnown(events)
    if (missed) await this.#attachMissed(events, missed, deadline)
  }

  async #attachMissed(events: readonly ValidEvent[], missed: Set<string>, deadline: number): Promise<void> {
    // Half of what is left at most: the commit needs its part.
    const budget = Math.max(0, Math.min(limits.enrichmentMs, (deadline - this.#clock.now()) / 2))
    const found = await this.#enrich.enrich(missed, budget)
    for (const event of events) if (missed.has(event.userId)) event.enrichment = found.get(event.userId) ?? unknown
  }

  /**
   * Commits one piece of work with whatever else is waiting. Rejects with a problem the client can act on. What is not
   * done by the deadline goes on and may still be written, which is no harm: the client sends the same again.
   */
  commit(
    work: Work,
    { deadline, weight = 1, admission }: { deadline: number; weight?: number; admission?: Admission }
  ): Promise<Outcome> {
    const written = this.write(() => {
      const committed = this.#commits.submit(work, weight)
      return admission ? admission.during(committed) : committed
    }, deadline)
    return work.kind === 'events' ? written.then(outcome => this.#counted(work, outcome)) : written
  }

  #counted(work: EventsWork, outcome: Outcome): Outcome {
    if (outcome.kind === 'events') this.counts.recorded(work.project, work.events, outcome.outcomes, work.rejected)
    return outcome
  }

  /** Asks the primary store, for as long as there is time. Rejects with a problem the client can act on. */
  read<T>(question: () => Promise<T>, deadline: number): Promise<T> {
    return this.ask('read', question, deadline)
  }

  /** Changes the primary store beside the commits, in the same time and with the same problems. */
  write<T>(change: () => Promise<T>, deadline: number): Promise<T> {
    return this.ask('write', change, deadline)
  }

  async ask<T>(asking: Asking, question: () => Promise<T>, deadline: number): Promise<T> {
    try {
      return await this.store.run(question, { deadline })
    } catch (error) {
      throw refusalOf(error, asking)
    }
  }

  /** Counts a request that was refused whole. Written within a second; a crash loses that second's count of refusals. */
  countRefused(project: string, code: string): void {
    if (code === 'overloaded') this.counts.turnedAway(project)
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

  /** Answers what was taken, writes what was counted, and takes no more. What is spooled stays so until the next start. */
  async close(): Promise<void> {
    this.#flushRefused()
    await this.#commits.close()
    await this.spool?.close()
  }
}
