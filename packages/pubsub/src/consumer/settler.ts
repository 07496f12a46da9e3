import { GroupCommit } from '@plimsoll/database'
import type { Position } from '../broker.ts'
import { FencedError } from '../errors.ts'
import { type ConsumerStore, type Lease, settlePartitions } from './store.ts'

export interface Settlement {
  readonly lease: Lease
  readonly position: Position
  readonly handled: number
}

/** Moves the positions of a subscription's partitions whose handlers changed nothing in their transaction: many in one commit. */
export class Settler {
  #commits: GroupCommit<Settlement, boolean>

  constructor(store: ConsumerStore) {
    this.#commits = new GroupCommit({ commit: settlements => settlePartitions(store, settlements) })
  }

  /** @throws FencedError, or what the database said: it may have moved or not */
  async settle(settlement: Settlement): Promise<void> {
    if (await this.#commits.submit(settlement)) return
    throw new FencedError(settlement.lease.partition, settlement.lease.fence)
  }
}
