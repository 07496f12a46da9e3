import { problem, problemResponses, type TypeBoxProvider } from '@plimsoll/http'
import type { FastifyInstance } from 'fastify'
import { AttributionHeaders, attributionOf } from '../attribution.ts'
import { Erasure, ErasureAnswer, UserParams } from '../contract.ts'
import type { Erasures } from '../erase.ts'
import type { AccountOptions } from './accounts.ts'

export function erasureRoutes(
  app: FastifyInstance,
  { within, erasures }: Pick<AccountOptions, 'within'> & { erasures: Erasures }
): void {
  const typed = app.withTypeProvider<TypeBoxProvider>()
  typed.post(
    '/v1/users/:id/erase',
    {
      schema: {
        summary: 'Erase a user for good, and look for what must not be found; it reads whole disks and takes its time',
        headers: AttributionHeaders,
        params: UserParams,
        body: Erasure,
        response: { 200: ErasureAnswer, ...problemResponses(404) }
      }
    },
    // Without the usual deadline: what was begun is done, and its receipt is kept for who waits no longer.
    async request => erasures.erase(request.params.id, request.body.reason, attributionOf(request))
  )

  typed.get(
    '/v1/users/:id/erasure',
    {
      schema: {
        summary: 'The receipt of an erasure',
        params: UserParams,
        response: { 200: ErasureAnswer, ...problemResponses(404) }
      }
    },
    async request => {
      const receipt = await within(request, () => erasures.receipt(request.params.id))
      if (!receipt) throw problem(404, 'not_erased', 'No user of this id was erased.')
      return receipt
    }
  )
}
