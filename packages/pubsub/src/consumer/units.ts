import type { Delivery } from '../broker.ts'
import { type Attempts, blame } from './attempt.ts'
import type { Lanes } from './lanes.ts'
import { LateTransaction } from './late-transaction.ts'
import { blockedLanes, type Failure, type Parking, park } from './parking.ts'
import { type ConsumerStore, knownIds, type Lease, rememberIds, settlePartition, settleRemembering } from './store.ts'

export interface UnitParts {
  lease: Lease
  store: ConsumerStore
  /** The ids that were handled are to be kept: the broker may give one twice. */
  needsInbox: boolean
  attempts: Attempts
  lanes: Lanes
  /** Settles what is behind. It is waited for before a transaction begins. */
  flush(): Promise<void>
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

  /**
   * Resolves with how many were handled now, or with `undefined` when all were, in no transaction: their position is not moved.
   * @throws HandlerFailure, FencedError, or a fault of the world; then nothing was done
   */
  async handle(unit: readonly Delivery[]): Promise<number | undefined> {
    const { attempts, lanes, needsInbox, flush } = this.#parts
    const suspectLanes =
      lanes.size === 0 ? [] : unit.map(({ envelope }) => attempts.laneOf(envelope)).filter(lane => lanes.has(lane))
    if (!needsInbox && suspectLanes.length === 0) return await this.#handlePlain(unit)
    await flush()
    if (suspectLanes.length === 0) return await this.#handleNew(unit)
    return await this.#handleChecked(unit, suspectLanes)
  }

  /**
   * Handles those that were not handled before. Nobody else can have handled one of this partition between the look and the
   * end, for the fence is ours; and an id of two partitions is refused at the end. So nothing is held while the handlers run.
   */
  async #handleNew(unit: readonly Delivery[]): Promise<number> {
    const { store, lease, attempts, flush } = this.#parts
    const { database, schema } = store
    const ids = unit.map(({ envelope }) => envelope.id)
    const known = await knownIds(database, schema, lease, ids)
    const fresh: Delivery[] = []
    for (const delivery of unit) {
      const { id } = delivery.envelope
      if (known.has(id)) continue
      known.add(id)
      fresh.push(delivery)
    }
    const taken = fresh.map(({ envelope }) => envelope.id)
    const { position } = unit.at(-1)!
    const tx = new LateTransaction(database, flush)
    try {
      await attempts.make(tx, fresh, 1)
      if (tx.begun) {
        await tx.commit(async last => {
          await rememberIds(last, schema, lease, taken)
          await settlePartition(last, schema, lease, position, fresh.length)
        })
      } else await settleRemembering(store, lease, position, taken)
    } catch (error) {
      await tx.rollback(error)
      throw blame(error)
    }
    return fresh.length
  }

  /** Nothing has to be looked up first. */
  async #handlePlain(unit: readonly Delivery[]): Promise<number | undefined> {
    const { store, lease, attempts, flush } = this.#parts
    const tx = new LateTransaction(store.database, flush)
    const { position } = unit.at(-1)!
    try {
      await attempts.make(tx, unit, 1)
      if (!tx.begun) return
      await tx.commit(last => settlePartition(last, store.schema, lease, position, unit.length))
    } catch (error) {
      await tx.rollback(error)
      throw blame(error)
    }
    return unit.length
  }

  /** Handles a unit, parks what is behind a failed one of its lane, and moves the position, all or nothing. */
  async #handleChecked(unit: readonly Delivery[], suspectLanes: readonly string[]): Promise<number> {
    const { store, lease, attempts, lanes, needsInbox } = this.#parts
    const { database, schema } = store
    const ids = unit.map(({ envelope }) => envelope.id)
    const { position } = unit.at(-1)!
    let fresh = 0
    let parkings: Parking[] = []
    await database
      .transaction(async tx => {
        const known = needsInbox ? await knownIds(tx, schema, lease, ids) : new Set<string>()
        const blocked =
          suspectLanes.length === 0 ? new Set<string>() : await blockedLanes(tx, schema, lease, suspectLanes)
        const taken: string[] = []
        const free: Delivery[] = []
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
        fresh = taken.length
        await attempts.make(tx, free, 1)
        await park(tx, schema, lease, parkings)
        if (needsInbox) await rememberIds(tx, schema, lease, taken)
        await settlePartition(tx, schema, lease, position, fresh)
      })
      .catch(error => {
        throw blame(error)
      })
    for (const lane of suspectLanes) if (!parkings.some(each => each.lane === lane)) lanes.forget()
    return fresh - parkings.length
  }

  /** Puts one that failed aside, and moves the position over it. */
  async park(delivery: Delivery, lane: string, failure: Failure): Promise<void> {
    const { store, lease, lanes, needsInbox, flush } = this.#parts
    const { database, schema } = store
    await flush()
    await database.transaction(async tx => {
      await park(tx, schema, lease, [{ delivery, lane, failure }])
      if (needsInbox) await rememberIds(tx, schema, lease, [delivery.envelope.id])
      await settlePartition(tx, schema, lease, delivery.position, 0)
    })
    lanes.block(lane, failure.retryInMs)
  }
}
