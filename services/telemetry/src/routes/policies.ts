import type { LoadShedder, Policy } from '@plimsoll/resilience'
import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import { requireAdmin } from './principal.ts'

/** What stands around the service's dependencies and at its door: in words, and what it has done since the start. */
export function policyRoutes(app: FastifyInstance, policies: readonly Policy<unknown>[], door: LoadShedder): void {
  app.get(
    '/v1/policies',
    {
      schema: {
        summary: 'The policies around the dependencies, and what they did',
        response: {
          200: Type.Object({
            door: Type.Record(Type.String(), Type.Number()),
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
        door: { ...door.snapshot() },
        policies: policies.map(policy => ({
          name: policy.name,
          explanation: policy.explain(),
          figures: { ...policy.snapshot() }
        }))
      }
    }
  )
}
