import { type Database, isTransient, isUniqueViolation } from '@plimsoll/database'
import type { Clock, TimerHandle } from '@plimsoll/resilience'
import { type Spool, SpoolError, type SpooledRecord } from '@plimsoll/spool'
import { storeIsAway } from '../ingest/refusal.ts'
import type { DrainPage, RefusedEvent } from './drain-procedure.ts'
import { decodeRecord, type EventsWork, headerOf, UnreadableRecordError } from './record.ts'

const drainProcedure = new URL('./drain-procedure.ts', import.meta.url)
const probeProcedure = new URL('./probe-procedure.ts', import.meta.url)

/** Events of one transaction at most, unless one record has more: what is live waits for no longer. */
const pageEvents = 1_000
/** Bytes that are read at once. */
const readBytes = 1_000_000
const firstRestMs = 250
const longestRestMs = 5_000
/** Fresh transactions after a unique violation or a serialisation failure. */
const retries = 3
/** So often the store must have said the same against a page before it is looked at record by record. */
const refusals = 3
/** Ids in one line of the log. */
const idsTold = 10

export interface DrainOptions {
  database: Database
  spool: Spool
  /** Name of the spool, under which the store keeps its cursor. */
  id: string
  /** Where that cursor stands. */
  applied: number
  clock: Clock
  /** Told after each try whether the store is away. */
  onTried(isAway: boolean): void
  /** Told after each commit of the records that are now in the store. */
  onApplied(records: readonly SpooledRecord[]): void
  onError(error: unknown): void
  onWarning(message: string, details: object): void
}

/** Writes what waits in a spool to the store, in order and each once, and rests while the store is away. */
export class Drain {
  readonly #options: DrainOptions
  #applied: number
  #read: SpooledRecord[] = []
  #failures = 0
  #timer: TimerHandle | undefined
  #round: Promise<void> | undefined
  #again = false
  #running = false
  #refused = { sequence: 0, message: '', times: 0 }
  /** Up to here records go alone, since the store refuses something among them. */
  #aloneUntil = 0

  constructor(options: DrainOptions) {
    this.#options = options
    this.#applied = options.applied
  }

  get #restMs(): number {
    return Math.min(longestRestMs, firstRestMs * 2 ** Math.max(0, this.#failures - 1))
  }

  start(): void {
    this.#running = true
    this.#wait(0)
  }

  /** There is something to do. */
  wake(): void {
    if (this.#round) this.#again = true
    else this.#wait(this.#restMs)
  }

  /** Ends after the transaction under way. */
  async stop(): Promise<void> {
    this.#running = false
    this.#options.clock.clearTimer(this.#timer)
    await this.#round
  }

  #wait(ms: number): void {
    if (!this.#running || this.#timer !== undefined) return
    this.#timer = this.#options.clock.setTimer(() => {
      this.#timer = undefined
      this.#round = this.#drain().finally(() => {
        this.#round = undefined
        if (this.#again) this.#wait(this.#restMs)
        this.#again = false
      })
    }, ms)
  }

  async #drain(): Promise<void> {
    try {
      while (this.#running && (await this.#step())) this.#failures = 0
    } catch (error) {
      const isAway = storeIsAway(error)
      if (!(error instanceof SpoolError)) this.#options.onTried(isAway)
      if (!isAway) this.#options.onError(error)
      this.#again = true
      this.#failures++
    }
  }

  /** One page. False when nothing waits. */
  async #step(): Promise<boolean> {
    const { spool, onTried, onApplied } = this.#options
    if (this.#read.length === 0) this.#read = await spool.read({ after: this.#applied, limitBytes: readBytes })
    if (this.#read.length === 0) return false
    const page = this.#nextPage()
    await this.#write(page)
    onTried(false)
    this.#applied = page.at(-1)!.sequence
    this.#read.splice(0, page.length)
    onApplied(page)
    // What stays because it could not be released is passed over by its number.
    if (this.#read.length === 0) await spool.release(this.#applied).catch(error => this.#options.onError(error))
    return true
  }

  #nextPage(): SpooledRecord[] {
    let events = 0
    let count = 0
    for (const { sequence, record } of this.#read) {
      events += headerOf(record).events
      if (count > 0 && (events > pageEvents || sequence <= this.#aloneUntil)) break
      count++
      if (sequence <= this.#aloneUntil) break
    }
    return this.#read.slice(0, count)
  }

  async #write(page: readonly SpooledRecord[]): Promise<void> {
    try {
      await this.#commit(page.map(({ sequence, record }) => ({ sequence, work: this.#workOf(record) })))
    } catch (error) {
      if (!isRefusal(error)) throw error
      if (page[0]!.sequence <= this.#aloneUntil) return this.#quarantine(page[0]!, error)
      this.#countRefusal(page, error)
      throw error
    }
  }

  async #commit(records: DrainPage['records']): Promise<void> {
    const { database, id, onWarning } = this.#options
    for (let attempt = 0; ; attempt++) {
      try {
        const refused = await database.call<RefusedEvent[]>(drainProcedure, { spool: id, records })
        if (refused.length > 0) {
          onWarning('events that were acknowledged while the store was away are refused by it', {
            count: refused.length,
            events: refused.slice(0, idsTold)
          })
        }
        return
      } catch (error) {
        if (attempt >= retries || !(isTransient(error) || isUniqueViolation(error))) throw error
      }
    }
  }

  #countRefusal(page: readonly SpooledRecord[], error: unknown): void {
    const { sequence } = page[0]!
    const { message } = error as Error
    const isSame = this.#refused.sequence === sequence && this.#refused.message === message
    this.#refused = { sequence, message, times: isSame ? this.#refused.times + 1 : 1 }
    if (this.#refused.times >= refusals) this.#aloneUntil = page.at(-1)!.sequence
  }

  /** Finds the events that the store refuses, counts them as quarantined and writes the others. */
  async #quarantine({ sequence, record }: SpooledRecord, reason: unknown): Promise<void> {
    const work = this.#workOf(record)
    const bad = new Set<string>()
    for (const event of work.events)
      if (await this.#isRefused({ ...work, rejected: 0, events: [event] })) bad.add(event.id)
    const without = (ids: ReadonlySet<string>): EventsWork => {
      const events = work.events.filter(({ id }) => !ids.has(id))
      return { ...work, events, quarantined: (work.quarantined ?? 0) + work.events.length - events.length }
    }
    try {
      if (bad.size === 0) throw reason
      await this.#commit([{ sequence, work: without(bad) }])
    } catch (error) {
      if (!isRefusal(error)) throw error
      // No event is at fault alone. They must not hold up all that comes after them.
      for (const { id } of work.events) bad.add(id)
      await this.#commit([{ sequence, work: without(bad) }])
    }
    this.#options.onWarning('spooled events that the store refuses are quarantined', {
      project: work.project,
      count: bad.size,
      ids: [...bad].slice(0, idsTold),
      reason: (reason as Error).message
    })
  }

  async #isRefused(work: EventsWork): Promise<boolean> {
    try {
      await this.#options.database.call(probeProcedure, work)
      return false
    } catch (error) {
      if (!isRefusal(error)) throw error
      return true
    }
  }

  /** What the header counts is in the books even when the rest makes no sense, which its checksum rules out. */
  #workOf(record: Buffer): EventsWork {
    try {
      return decodeRecord(record)
    } catch (error) {
      if (!(error instanceof UnreadableRecordError)) throw error
      this.#options.onError(error)
      const { project, minute, rejected, events } = headerOf(record)
      return { kind: 'events', project, minute, rejected, events: [], quarantined: events }
    }
  }
}

/** True when the store, well and undisturbed, will not have what it was given. */
function isRefusal(error: unknown): boolean {
  return !storeIsAway(error) && !isTransient(error) && !isUniqueViolation(error) && !(error instanceof SpoolError)
}
