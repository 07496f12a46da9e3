import type { Delivery } from '../broker.ts'
import { type Attempts, blame } from './attempt.ts'
import type { Inbox } from './inbox.ts'
import type { Lanes } from './lanes.ts'
import { LateTransaction } from './late-transaction.ts'
import { blockedLanes, type Failure, type Parking, park } from './parking.ts'
import { type ConsumerStore, knownIds, type Lease, rememberIds, settlePartition } from './store.ts'

export interface UnitParts {
  lease: Lease
  store: ConsumerStore
  /** Where the broker may give a message twice: the ids that were handled are kept. */
  inbox: Inbox | undefined
  attempts: Attempts
  lanes: Lanes
  /** Settles what is behind. It is waited for before a transaction begins. */
  flush(): Promise<void>
}

export interface Handled {
  /** How many were handled now: not before, and not parked. */
  readonly handled: number
  /** Of those that are done with now. */
  readonly ids: readonly string[]
  /** The position was moved with them, and the ids are remembered. */
  readonly isSettled: boolean
}

/**
 * Some messages of a partition, their handlers' changes, the ids that are now handled, what had to be parked and the new
 * position: one transaction of the consumer's database.
 */
export class Units {
  #parts: UnitParts

  constructor(parts: UnitParts) {
    this.#parts = parts
  }

  /** @throws HandlerFailure, FencedError, or a fault of the world; then nothing was done */
  async handle(unit: readonly Delivery[]): Promise<Handled> {
    const { attempts, lanes, flush } = this.#parts
    const suspectLanes =
      lanes.size === 0 ? [] : unit.map(({ envelope }) => attempts.laneOf(envelope)).filter(lane => lanes.has(lane))
    if (suspectLanes.length === 0) return await this.#handleFree(unit)
    await flush()
    return await this.#handleChecked(unit, suspectLanes)
  }

  /** Nothing of it waits for another, and nothing is held while the handlers run, unless they make a statement. */
  async #handleFree(unit: readonly Delivery[]): Promise<Handled> {
    const { store, lease, attempts, flush, inbox } = this.#parts
    const { fresh, ids } = inbox ? inbox.freshOf(unit) : { fresh: unit, ids: [] }
    const { position } = unit.at(-1)!
    const tx = new LateTransaction(store.database, flush)
    try {
      await attempts.make(tx, fresh, 1)
      if (tx.begun) {
        await tx.commit(async last => {
          await rememberIds(last, store.schema, lease, ids)
          await settlePartition(last, store.schema, lease, position, fresh.length)
        })
      }
    } catch (error) {
      await tx.rollback(error)
      throw blame(error)
    }
    inbox?.add(ids)
    return { handled: fresh.length, ids, isSettled: tx.begun }
  }

  /** Handles a unit, parks what is behind a failed one of its lane, and moves the position, all or nothing. */
  async #handleChecked(unit: readonly Delivery[], suspectLanes: readonly string[]): Promise<Handled> {
    const { store, lease, attempts, lanes, inbox } = this.#parts
    const { database, schema } = store
    const ids = unit.map(({ envelope }) => envelope.id)
    const { position } = unit.at(-1)!
    let taken: string[] = []
    let parkings: Parking[] = []
    await database
      .transaction(async tx => {
        const known = (inbox && (await knownIds(tx, schema, [{ lease, ids }]))[0]) ?? new Set<string>()
        const blocked =
          suspectLanes.length === 0 ? new Set<string>() : await blockedLanes(tx, schema, lease, suspectLanes)
        const free: Delivery[] = []
        taken = []
        parkings = []
        for (const delivery of unit) {
          const { id } = delivery.envelope
          if (known.has(id)) continue
          known.add(id)
          taken.push(id)
          const lane = attempts.laneOf(delivery.envelope)
          if (blocked.has(lane)) parkings.push({ delivery, lane, failure: null })
          else free.push(delivery)
        }
        await attempts.make(tx, free, 1)
        await park(tx, schema, lease, parkings)
        if (inbox) await rememberIds(tx, schema, lease, taken)
        await settlePartition(tx, schema, lease, position, taken.length)
      })
      .catch(error => {
        throw blame(error)
      })
    for (const lane of suspectLanes) if (!parkings.some(each => each.lane === lane)) lanes.forget()
    inbox?.add(taken)
    return { handled: taken.length - parkings.length, ids: taken, isSettled: true }
  }

  /** Puts one that failed aside, and moves the position over it. */
  async park(delivery: Delivery, lane: string, failure: Failure): Promise<void> {
    const { store, lease, lanes, inbox, flush } = this.#parts
    const { database, schema } = store
    const { id } = delivery.envelope
    await flush()
    await database.transaction(async tx => {
      await park(tx, schema, lease, [{ delivery, lane, failure }])
      if (inbox) await rememberIds(tx, schema, lease, [id])
      await settlePartition(tx, schema, lease, delivery.position, 0)
    })
    inbox?.add([id])
    lanes.block(lane, failure.retryInMs)
  }
}
