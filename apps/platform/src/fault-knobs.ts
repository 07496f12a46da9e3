import { bearer, problem, sameSecret } from '@plimsoll/http'
import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import type { AbsentStore } from './absent-store.ts'
import type { BurdenedStore } from './burdened-store.ts'

/** Longer than this and a drill's mistake would be an outage, in milliseconds. */
const longestMs = 30_000

const mostAheadMs = 30 * 86_400_000

const PlatformFaults = Type.Object(
  {
    blockLoopMs: Type.Optional(Type.Integer({ minimum: 0, maximum: longestMs })),
    holdStoreMs: Type.Optional(Type.Integer({ minimum: 0, maximum: longestMs })),
    awayStoreMs: Type.Optional(Type.Integer({ minimum: 0, maximum: longestMs })),
    leakBytes: Type.Optional(Type.Integer({ minimum: 0, maximum: 100_000_000 })),
    clockAheadMs: Type.Optional(Type.Integer({ minimum: -mostAheadMs, maximum: mostAheadMs })),
    subscriber: Type.Optional(Type.Enum(['none', 'slow', 'stuck', 'poisoned'] as const))
  },
  { additionalProperties: false }
)

/**
 * Faults of the platform itself, for drills; only with the setting `faultKnobs`. `blockLoopMs` is the request that keeps
 * the event loop busy. `holdStoreMs` takes every connection to the primary store and keeps it: a pool that is exhausted.
 * `awayStoreMs` lets nothing reach it for so long; 0 brings it back at once. `leakBytes` are kept each second and never let
 * go, until it is 0. `clockAheadMs` is by how much `Date.now` is wrong. `subscriber` burdens the read side's own work.
 */
export function faultKnobs(
  app: FastifyInstance,
  adminToken: string,
  { database, away }: AbsentStore,
  { burden }: Pick<BurdenedStore, 'burden'>
): void {
  const setClock = movableClock()
  const leak = leaking()
  app.put('/admin/faults', { schema: { hide: true, body: PlatformFaults } }, async (request, reply) => {
    if (!sameSecret(bearer(request) ?? '', adminToken)) throw problem(401, 'unauthorized', 'Send the admin token.')
    const faults = request.body as Static<typeof PlatformFaults>
    const { blockLoopMs = 0, holdStoreMs = 0, awayStoreMs, leakBytes, clockAheadMs, subscriber } = faults
    if (awayStoreMs !== undefined) away(awayStoreMs)
    if (leakBytes !== undefined) leak(leakBytes)
    if (clockAheadMs !== undefined) setClock(clockAheadMs)
    if (subscriber !== undefined) burden(subscriber)
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

/** A clock that nobody sets on the machine, since others live by it: `Date.now` of this process alone is ahead. */
function movableClock(): (aheadMs: number) => void {
  const real = Date.now
  return aheadMs => {
    Date.now = aheadMs === 0 ? real : () => real() + aheadMs
  }
}

/** What is kept is small objects, as in life: large buffers would not be on the heap. */
function leaking(): (bytesPerSecond: number) => void {
  let kept: object[][] = []
  let timer: NodeJS.Timeout | undefined
  return bytesPerSecond => {
    clearInterval(timer)
    if (bytesPerSecond === 0) kept = []
    else timer = setInterval(() => kept.push(garbage(bytesPerSecond / 5)), 200).unref()
  }
}

/** About 80 bytes each, with their place in the array. */
const garbage = (bytes: number) => Array.from({ length: bytes / 80 }, (_, i) => ({ at: i + 0.5, of: { i } }))

/** What a pool of `@plimsoll/database` has by default. */
const poolSize = 10
