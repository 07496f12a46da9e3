import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import type { Ingest } from '../ingest/ingest.ts'
import { SpoolAnswer } from '../ledger-contract.ts'
import { requireAdmin } from './principal.ts'

/** `GET /v1/spool`: what the ledger cannot tell while the store is away, since the ledger is in the store. */
export function spoolRoute(app: FastifyInstance, ingest: Ingest): void {
  app.get(
    '/v1/spool',
    {
      schema: {
        summary: 'What waits on disk for the store',
        querystring: Type.Object({ project: Type.Optional(Type.String()) }),
        response: { 200: SpoolAnswer }
      }
    },
    async request => {
      const { project } = requireAdmin(request)
      const snapshot = ingest.spool?.snapshot()
      return {
        project,
        events: ingest.spool?.eventsOf(project) ?? null,
        oldestAgeMs: snapshot?.oldestAgeMs ?? null,
        bytes: snapshot?.bytes ?? null,
        maxBytes: ingest.spool?.maxBytes ?? null,
        shed: snapshot?.shed ?? null,
        storeAway: snapshot?.away ?? false
      }
    }
  )
}
