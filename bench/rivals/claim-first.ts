import { type Design, insert, type Parts, type SentEvent } from './design.ts'

/** OpenMeter's window, from its example configuration: 768 hours. */
const windowMs = 768 * 3_600_000

/**
 * Claims each id in Redis before the event is written, as OpenMeter does it with deduplication switched on
 * (`openmeter/ingest/dedupe.go`, openmeterio/openmeter#5118): an id that is claimed already is answered as done. When the
 * write fails the claim stays, and the resend that is meant to mend it is taken for a duplicate. PostgreSQL stands in for
 * the write to Kafka.
 */
export function claimFirst({ store, claims }: Parts): Design {
  return {
    async take(events) {
      const fresh: SentEvent[] = []
      for (const event of events) if (await claims.setIfAbsent(`claim:${event.id}`, windowMs)) fresh.push(event)
      if (fresh.length > 0) await insert(store, fresh)
    },
    close: async () => undefined
  }
}
