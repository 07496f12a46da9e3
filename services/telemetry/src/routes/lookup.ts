import type { Database } from '@plimsoll/database'
import { entryKey, findReceipts } from '@plimsoll/eventlog'
import type { FastifyInstance } from 'fastify'
import { type Lookup, LookupAnswer, LookupQuestion } from '../contract.ts'
import type { Ingest } from '../ingest/ingest.ts'

/**
 * `POST /v1/events/lookup`: did you get these? For a client that lost its answers and would rather ask than send again, and
 * for whoever checks a bill. It reads the log itself, so what it calls `accepted` is committed.
 */
export function lookupRoute(app: FastifyInstance, database: Database, ingest: Ingest): void {
  app.post<{ Body: Lookup }>(
    '/v1/events/lookup',
    {
      config: { reads: true },
      schema: {
        summary: 'Ask which events are in the log',
        description:
          'A receipt for each id, in the order of the question. A write key may ask about its own project. `unknown` means: not in the log now; it is safe to send it again.',
        body: LookupQuestion,
        response: { 200: LookupAnswer }
      }
    },
    async request => {
      const { project } = request.principal!
      const ids = request.body.ids.map(id => id.toLowerCase())
      const receipts = await ingest.read(() => findReceipts(database, [...new Set(ids)]), request.deadline)
      return {
        receipts: ids.map(id => {
          const receivedAt = receipts.get(entryKey(project, id))
          return receivedAt === undefined
            ? { id, state: 'unknown' as const, recordedAt: null }
            : { id, state: 'accepted' as const, recordedAt: new Date(receivedAt).toISOString() }
        })
      }
    }
  )
}
