import { isTransient, isUnavailable, type Transaction } from '@plimsoll/database'
import type { Cursor } from '../entry.ts'
import { isAfter, type StreamEvent } from '../streams/event.ts'
import { moveTurn, type Place, type Turn, tableOf, ViewFencedError } from './generation.ts'
import { PoisonEventError, type ViewOptions } from './options.ts'
import { type Parked, park, parkedKeys } from './parking.ts'

/** True for what lies in an event, and not in the world or in another worker. */
export const isPoison = (error: unknown) =>
  !isTransient(error) && !isUnavailable(error) && !(error instanceof ViewFencedError)

/** What a worker writes: events and the cursor behind them, in one transaction, under its fence. */
export class ViewWriter {
  readonly #options: ViewOptions
  readonly #place: Place
  /** Events applied or parked. */
  written = 0

  constructor(options: ViewOptions, place: Place) {
    this.#options = options
    this.#place = place
  }

  /** All of them in one transaction; where that is refused in halves, until the event at fault stands alone. */
  async apply(turn: Turn, events: readonly StreamEvent[], to: Cursor): Promise<void> {
    try {
      await this.#commit(turn, events, to)
    } catch (error) {
      if (!isPoison(error) || events.length === 0) throw error
      if (events.length === 1) return this.#applyPoison(turn, events[0]!, to, error)
      const half = events.length >> 1
      const { xid, position } = events[half - 1]!
      await this.apply(turn, events.slice(0, half), { xid, position })
      await this.apply(turn, events.slice(half), to)
    }
  }

  /** Applies events in a transaction of the caller, and parks those that have to wait. Returns why, for each key's first. */
  async take(
    tx: Transaction,
    events: readonly StreamEvent[],
    turn: Pick<Turn, 'live' | 'effectsAfter'>,
    refused?: unknown
  ): Promise<PoisonEventError[]> {
    const parks = this.#options.onPoison === 'park'
    const keys = events.map(event => this.#keyOf(event))
    const behind = parks ? await parkedKeys(tx, this.#place, [...new Set(keys)]) : new Set<string>()
    const fit: StreamEvent[] = []
    const parked: Parked[] = []
    const told: PoisonEventError[] = []
    for (const [i, event] of events.entries()) {
      const { xid, position, unreadable = refused } = event
      const key = keys[i]!
      if (behind.has(key)) parked.push({ key, xid, position, error: null })
      else if (unreadable === undefined) fit.push(event)
      else if (!parks) throw unreadable
      else {
        behind.add(key)
        parked.push({ key, xid, position, error: String(unreadable) })
        told.push(new PoisonEventError(this.#place.name, event, unreadable))
      }
    }
    if (parked.length > 0) await park(tx, this.#place, parked)
    await this.applyNow(tx, fit, turn)
    return told
  }

  /** Applies events, parked keys or not. */
  async applyNow(
    tx: Transaction,
    events: readonly StreamEvent[],
    { live, effectsAfter }: Pick<Turn, 'live' | 'effectsAfter'>
  ): Promise<void> {
    const { apply, applyAll, effect } = this.#options
    const table = tableOf(this.#place)
    if (applyAll && events.length > 0) await applyAll(tx, table, events)
    for (const event of events) {
      if (apply) await apply(tx, table, event)
      // While it is built the live generation has the effects.
      if (effect && live && isAfter(event, effectsAfter)) await effect(tx, event)
    }
  }

  async #applyPoison(turn: Turn, event: StreamEvent, to: Cursor, error: unknown): Promise<void> {
    const { onPoison } = this.#options
    if (onPoison !== 'park') throw new PoisonEventError(this.#place.name, event, error)
    await this.#commit(turn, [event], to, error)
  }

  async #commit(turn: Turn, events: readonly StreamEvent[], to: Cursor, refused?: unknown): Promise<void> {
    const { store, leaseMs = 10_000, onError } = this.#options
    const told = await store.database.transaction(async tx => {
      // First, so that who lost the lease writes nothing, and who retries a parked key is waited for.
      await moveTurn(tx, this.#place, turn, to, events.length, leaseMs)
      return this.take(tx, events, turn, refused)
    })
    turn.cursor = { xid: to.xid, position: to.position }
    this.written += events.length
    for (const error of told) onError?.(error)
  }

  #keyOf(event: StreamEvent): string {
    const { keyOf = ({ stream }) => stream } = this.#options
    if (!event.unreadable) return keyOf(event)
    try {
      return keyOf(event)
    } catch {
      return event.stream
    }
  }
}
