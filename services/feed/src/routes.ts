import { type Database, isUnavailable } from '@plimsoll/database'
import {
  type AccessOptions,
  deadlineOf,
  documentedDeadline,
  documentProblems,
  documentRequests,
  Problem,
  problem,
  requireAdmin,
  type TypeBoxProvider
} from '@plimsoll/http'
import type { LogSubscriber } from '@plimsoll/pubsub/bulk'
import { type Clock, deadline, policy } from '@plimsoll/resilience'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { FeedAnswer, FeedQuery, MarkBody, ReadAnswer, UserParams } from './contract.ts'
import { markRead, type Place, readItems, readState } from './store.ts'

const requestMs = 10_000
const late = new Set<unknown>(['RESILIENCE_TIMEOUT', 'RESILIENCE_DEADLINE_EXCEEDED'])

export interface RoutesOptions extends AccessOptions {
  store: Database
  subscriber: LogSubscriber
  /** How many items of a user are kept, and for how long in milliseconds. */
  keep: { items: number; ms: number }
  now(): number
  clock: Clock
}

export async function feedRoutes(app: FastifyInstance, options: RoutesOptions): Promise<void> {
  const { store, subscriber, keep, now, clock } = options
  const limited = policy('feed-store', [deadline(requestMs)], { clock })
  const within = <T>(request: FastifyRequest, work: () => Promise<T>) =>
    limited.run(work, { deadline: request.deadline })
  app.decorateRequest('deadline', 0)
  documentProblems(app, 400, 401, 403, 503)
  documentRequests(app, {
    headers: documentedDeadline(requestMs),
    credentials: method => (method === 'GET' ? ['bearer', 'cookie'] : ['bearer'])
  })
  app.setErrorHandler(async error => {
    const isLate = late.has((error as { code?: unknown }).code)
    if (!isLate && !isUnavailable(error)) throw error
    const code = isLate ? 'feed_store_slow' : 'feed_store_unavailable'
    throw new Problem(503, code, 'The store of the feed does not answer; ask again.', {
      headers: { 'retry-after': '2' }
    })
  })
  app.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store')
    request.deadline = deadlineOf(request, { clock, longestMs: requestMs })
    requireAdmin(request, options)
    // No store has it in a text, and so no user has it in an id.
    if ((request.params as { user?: string } | undefined)?.user?.includes('\0'))
      throw problem(400, 'invalid_user', 'There can be no user of this id.')
  })
  const typed = app.withTypeProvider<TypeBoxProvider>()

  typed.get(
    '/v1/feed/:user',
    {
      schema: {
        summary: 'What a user did and what happened to them, the newest first',
        params: UserParams,
        querystring: FeedQuery,
        response: { 200: FeedAnswer }
      }
    },
    async request => {
      const { user } = request.params
      const { before, limit = 20 } = request.query
      const since = now() - keep.ms
      return within(request, async () => {
        const [found, { through, last, unread }] = await Promise.all([
          readItems(store, user, { before: placeIn(before), since, limit: limit + 1 }),
          readState(store, user, since, keep.items)
        ])
        const items = found.slice(0, limit)
        const end = found.length > limit ? items.at(-1)! : undefined
        return {
          user,
          items: items.map(({ id, kind, at, project, detail, arrived }) => ({
            id,
            kind,
            at: new Date(at).toISOString(),
            project,
            detail,
            unread: arrived > through
          })),
          next: end ? `${end.at}_${end.id}` : null,
          unread,
          through: String(Math.max(last, through)),
          lagMs: subscriber.state.lagMs
        }
      })
    }
  )
  typed.put(
    '/v1/feed/:user/read',
    {
      schema: {
        summary: 'Marks as read all that had come by then; what comes later is unread, whenever it happened',
        params: UserParams,
        body: MarkBody,
        response: { 200: ReadAnswer }
      }
    },
    async request => {
      const { user } = request.params
      const since = now() - keep.ms
      return within(request, async () => {
        const { last } = await readState(store, user, since, keep.items)
        // No further than what there is: nobody has read what will come.
        await markRead(store, user, Math.min(Number(request.body.through), last))
        const { unread, through } = await readState(store, user, since, keep.items)
        return { user, unread, through: String(Math.max(last, through)) }
      })
    }
  )
}

/** The years 1 to 9999, in milliseconds since 1970: what a store takes, and more than events have. */
const [earliest, latest] = [-62_135_596_800_000, 253_402_300_799_999]

function placeIn(before: string | undefined): Place | undefined {
  const [at, id] = before?.split('_') ?? []
  return at === undefined || id === undefined ? undefined : { at: Math.min(latest, Math.max(earliest, Number(at))), id }
}
