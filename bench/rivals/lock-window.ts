import { hash } from 'node:crypto'
import { type Design, insert, type Parts, type SentEvent } from './design.ts'

/** OpenPanel's window: `getLock(…, '1', 100)` in `apps/api/src/utils/deduplicate.ts`. */
const windowMs = 100

/**
 * A lock for 100 ms on what an event says, as OpenPanel does it: there is no id of the client's. A resend within the
 * window is dropped; a later one is another event. Kinder than the original: it answers after the row is stored, where
 * the original answers from a worker's queue, and its lock is on each event with its own time, so that two that only look
 * the same are told apart.
 */
export function lockWindow({ store, claims }: Parts): Design {
  return {
    async take(events) {
      const fresh: SentEvent[] = []
      for (const event of events) {
        const { id: _, ...content } = event
        if (await claims.setIfAbsent(`lock:${hash('sha256', JSON.stringify(content))}`, windowMs)) fresh.push(event)
      }
      if (fresh.length > 0) await insert(store, fresh)
    },
    close: async () => undefined
  }
}
