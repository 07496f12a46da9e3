import { bearer, problem, sameSecret } from '@plimsoll/http'
import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import type { AbsentStore } from './absent-store.ts'

/** Longer than this and a drill's mistake would be an outage, in milliseconds. */
const longestMs = 30_000

const PlatformFaults = Type.Object(
  {
    blockLoopMs: Type.Optional(Type.Integer({ minimum: 0, maximum: longestMs })),
    holdStoreMs: Type.Optional(Type.Integer({ minimum: 0, maximum: longestMs })),
    awayStoreMs: Type.Optional(Type.Integer({ minimum: 0, maximum: longestMs }))
  },
  { additionalProperties: false }
)

/**
 * Faults of the platform itself, for drills; only with the setting `faultKnobs`. `blockLoopMs` is the request that keeps
 * the event loop busy. `holdStoreMs` takes every connection to the primary store and keeps it: a pool that is exhausted.
 * `awayStoreMs` lets nothing reach it for so long; 0 brings it back at once.
 */
export function faultKnobs(app: FastifyInstance, adminToken: string, { database, away }: AbsentStore): void {
  app.put('/admin/faults', { schema: { hide: true, body: PlatformFaults } }, async (request, reply) => {
    if (!sameSecret(bearer(request) ?? '', adminToken)) throw problem(401, 'unauthorized', 'Send the admin token.')
    const { blockLoopMs = 0, holdStoreMs = 0, awayStoreMs } = request.body as Static<typeof PlatformFaults>
    if (awayStoreMs !== undefined) away(awayStoreMs)
    if (holdStoreMs > 0) {
      const seconds = holdStoreMs / 1_000
      const held = Array.from({ length: database.engine === 'pglite' ? 1 : poolSize }, () =>
        database.query('select pg_sleep($1)', [seconds])
      )
      void Promise.allSettled(held)
    }
    if (blockLoopMs > 0) {
      // The statements that hold the store are on their way only once the loop has turned.
      if (holdStoreMs > 0) await new Promise(resolve => setTimeout(resolve, 100))
      const until = performance.now() + blockLoopMs
      while (performance.now() < until);
    }
    return reply.code(204).send()
  })
}

/** What a pool of `@plimsoll/database` has by default. */
const poolSize = 10
