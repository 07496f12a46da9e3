import { bulkProcedure } from '@plimsoll/pubsub/bulk'

/** A subscriber that keeps a count: all that it needs to be looked at. */
export default bulkProcedure({
  async handle(tx, entries) {
    await tx.query('update practice.tallies set entries = entries + $1', [entries.length])
  }
})
