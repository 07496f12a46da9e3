import { GroupCommit } from '@plimsoll/database'
import { FencedError } from '../errors.ts'
import { type ConsumerStore, type Settlement, settlePartitions } from './store.ts'

/** Settles a subscription's partitions whose handlers changed nothing in their transaction: many in one commit. */
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
