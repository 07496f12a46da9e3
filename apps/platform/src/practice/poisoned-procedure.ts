import { bulkProcedure } from '@plimsoll/pubsub/bulk'

/** A subscriber that cannot take some sessions: one of 512. */
export default bulkProcedure({
  async handle(tx, entries) {
    await tx.query('update practice.tallies set entries = entries + $1', [entries.length])
    for (const { stream, id } of entries) {
      if (isPoison(stream ?? id)) throw new Error('a session of practice that nobody can take')
    }
  }
})

/** By the middle of the id: its end is a counter in some clients. */
const isPoison = (stream: string) => {
  let sum = 0
  for (let i = 0; i < stream.length; i++) sum = (Math.imul(sum, 31) + stream.charCodeAt(i)) >>> 0
  return (sum >>> 7) % 512 === 0
}
