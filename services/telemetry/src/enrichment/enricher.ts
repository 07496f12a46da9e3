import type { Clock } from '@plimsoll/resilience'
import { type Enrichment, unknown } from './enrichment.ts'

export interface EnricherOptions {
  /**
   * Asks the metadata API for many users at once, through its policy. May reject, or say `unknown` of some; then nothing is
   * learned of them.
   */
  load(userIds: readonly string[]): Promise<Map<string, Enrichment>>
  clock: Clock
  /** How long an answer is fresh, in milliseconds. Default 60,000. */
  freshMs?: number
  /** How long an answer may still be served when the API cannot be asked. Default one hour. */
  staleMs?: number
  /** How long a failure is believed before the user is asked for again. Default 1,000: seconds, never as long as an answer. */
  errorMs?: number
  /** Users remembered. Default 100,000; those learned longest ago go first. */
  capacity?: number
  /** Users in one request. Default 500. */
  batch?: number
}

interface Remembered {
  enrichment: Enrichment
  freshUntil: number
  staleUntil: number
}

interface Gathering {
  ids: Set<string>
  done: Promise<void>
}

/**
 * Answers what is known of users within a budget. Users missed in one turn of the event loop share a request; answers
 * are cached and served stale while the API is away; a failure is remembered for a second, so that a dead API is not
 * asked again for every event.
 */
export class Enricher {
  #options: Required<EnricherOptions>
  #known = new Map<string, Remembered>()
  #failedUntil = new Map<string, number>()
  #loading = new Map<string, Promise<void>>()
  #gathering: Gathering | undefined

  constructor(options: EnricherOptions) {
    this.#options = { freshMs: 60_000, staleMs: 3_600_000, errorMs: 1_000, capacity: 100_000, batch: 500, ...options }
  }

  /** What is fresh in memory, without asking or waiting: the path of most events. */
  peek(userId: string): Enrichment | undefined {
    const remembered = this.#known.get(userId)
    return remembered && remembered.freshUntil > this.#options.clock.now() ? remembered.enrichment : undefined
  }

  /** Every user's enrichment after at most `budgetMs`; what could not be had by then is stale or unknown. */
  async enrich(userIds: Iterable<string>, budgetMs: number): Promise<Map<string, Enrichment>> {
    const result = new Map<string, Enrichment>()
    const waits = new Set<Promise<void>>()
    const missing: string[] = []
    const now = this.#options.clock.now()
    for (const id of userIds) {
      const fresh = this.peek(id)
      if (fresh) {
        result.set(id, fresh)
        continue
      }
      missing.push(id)
      if ((this.#failedUntil.get(id) ?? 0) <= now) waits.add(this.#loading.get(id) ?? this.#gather(id))
    }
    if (waits.size > 0) await this.#within(budgetMs, Promise.all(waits))
    for (const id of missing) result.set(id, this.#recall(id))
    return result
  }

  /** Best of what is remembered: fresh, else stale while that is allowed, else unknown. */
  #recall(id: string): Enrichment {
    const remembered = this.#known.get(id)
    if (!remembered || remembered.staleUntil <= this.#options.clock.now()) return unknown
    this.#known.delete(id)
    this.#known.set(id, remembered)
    return remembered.enrichment
  }

  #gather(id: string): Promise<void> {
    if (!this.#gathering || this.#gathering.ids.size >= this.#options.batch) {
      const gathering: Gathering = {
        ids: new Set(),
        done: new Promise(resolve => {
          setImmediate(() => {
            if (this.#gathering === gathering) this.#gathering = undefined
            void this.#load([...gathering.ids]).then(resolve)
          })
        })
      }
      this.#gathering = gathering
    }
    this.#gathering.ids.add(id)
    this.#loading.set(id, this.#gathering.done)
    return this.#gathering.done
  }

  /** Never rejects: a failure is an answer too, for a second. */
  async #load(ids: string[]): Promise<void> {
    const { load, clock, freshMs, staleMs, errorMs, capacity } = this.#options
    let answers: Map<string, Enrichment> | undefined
    try {
      answers = await load(ids)
    } catch {
      // Told below, of each.
    }
    const now = clock.now()
    for (const id of ids) {
      const enrichment = answers?.get(id) ?? unknown
      this.#failedUntil.delete(id)
      if (enrichment.state === 'unknown') {
        this.#failedUntil.set(id, now + errorMs)
      } else {
        this.#known.delete(id)
        this.#known.set(id, { enrichment, freshUntil: now + freshMs, staleUntil: now + staleMs })
      }
    }
    for (const id of ids) this.#loading.delete(id)
    trim(this.#known, capacity)
    trim(this.#failedUntil, capacity)
  }

  #within(budgetMs: number, work: Promise<unknown>): Promise<void> {
    const { clock } = this.#options
    return new Promise(resolve => {
      const timer = clock.setTimer(() => resolve(), budgetMs)
      void work.then(() => {
        clock.clearTimer(timer)
        resolve()
      })
    })
  }
}

/** Maps keep insertion order, so the first keys are the oldest. */
function trim(map: Map<string, unknown>, capacity: number): void {
  for (const key of map.keys()) {
    if (map.size <= capacity) return
    map.delete(key)
  }
}
