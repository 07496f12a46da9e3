import type { Policy } from '@plimsoll/resilience'
import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import type { Ingest } from '../ingest/ingest.ts'
import { requireAdmin } from './principal.ts'

/** What waits for the store on this machine's disk. Null: there is no spool. */
const Spool = Type.Object({
  events: Type.Integer(),
  records: Type.Integer(),
  bytes: Type.Integer(),
  oldestAgeMs: Type.Union([Type.Integer(), Type.Null()]),
  away: Type.Boolean({ description: 'whether the store is believed to be away' }),
  shed: Type.Integer({
    description: 'events that were not taken since the start, their project’s room being nearly full'
  })
})

/** What stands around the service's dependencies and at its door: in words, and what it has done since the start. */
export function policyRoutes(app: FastifyInstance, policies: readonly Policy<unknown>[], ingest: Ingest): void {
  app.get(
    '/v1/policies',
    {
      schema: {
        summary: 'The policies around the dependencies, and what they did',
        response: {
          200: Type.Object({
            door: Type.Record(Type.String(), Type.Number()),
            spool: Type.Union([Spool, Type.Null()]),
            policies: Type.Array(
              Type.Object({
                name: Type.String(),
                explanation: Type.String(),
                figures: Type.Record(Type.String(), Type.Unknown())
              })
            )
          })
        }
      }
    },
    async request => {
      requireAdmin(request)
      return {
        door: { ...ingest.door.snapshot() },
        spool: ingest.spool?.snapshot() ?? null,
        policies: policies.map(policy => ({
          name: policy.name,
          explanation: policy.explain(),
          figures: { ...policy.snapshot() }
        }))
      }
    }
  )
}
