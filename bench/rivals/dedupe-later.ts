import { type Design, insert, type Parts } from './design.ts'

/** A partition of the original is a day or a month of the event's time; a run has minutes, so here it is some seconds. */
const partitionMs = 10_000
/** The original promises no time at all; this is often. */
const mergeMs = 2_000

/**
 * Stores every resend and lets a merge throw away all but the last, as ClickHouse's ReplacingMergeTree does under PostHog.
 * Merges come when they come, and only within a partition: until then a count is too high, and a resend whose partition
 * is another one stays for good. The partition is of the time of receipt, in the place of a time that is corrected by
 * when the request was sent, and so changes with each resend.
 */
export function dedupeLater({ store }: Parts): Design {
  const merge = () =>
    store
      .query(
        `delete from events e using events later
         where e.event_id = later.event_id and e.partition = later.partition and e.row_id < later.row_id`
      )
      .catch(() => undefined)
  const timer = setInterval(() => void merge(), mergeMs)
  return {
    take: events => insert(store, events, Math.floor(Date.now() / partitionMs)),
    async close() {
      clearInterval(timer)
      await merge()
    }
  }
}
