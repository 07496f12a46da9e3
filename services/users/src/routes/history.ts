import { problemResponses, type TypeBoxProvider } from '@plimsoll/http'
import type { FastifyInstance } from 'fastify'
import { FeedPage, FeedQuery, History, type HistoryEntry, HistoryQuery, UserParams } from '../contract.ts'
import type { Feed } from '../feed.ts'
import { UserNotFoundError } from '../user/errors.ts'
import { streamOf } from '../user/events.ts'
import { historyEntry } from '../user/history.ts'
import type { AccountOptions } from './accounts.ts'

/** What happened: to one user for who audits, and to all of them for who follows. */
export function historyRoutes(
  app: FastifyInstance,
  { store, within, feed }: Omit<AccountOptions, 'keyed'> & { feed: Feed }
): void {
  const typed = app.withTypeProvider<TypeBoxProvider>()
  typed.get(
    '/v1/users/:id/history',
    {
      schema: {
        summary: 'Who changed what of a user, when and why',
        params: UserParams,
        querystring: HistoryQuery,
        response: { 200: History, ...problemResponses(404) }
      }
    },
    async request => {
      const { id } = request.params
      const { limit = 50, order = 'asc', cursor } = request.query
      const backward = order === 'desc'
      const from = cursor === undefined ? {} : { [backward ? 'to' : 'from']: Number(cursor) }
      const entries = await within(request, async () => {
        const found: HistoryEntry[] = []
        for await (const event of store.events.readStream(streamOf(id), { ...from, backward, batch: limit + 1 })) {
          found.push(historyEntry(event))
          if (found.length > limit) break
        }
        return found
      })
      if (entries.length === 0 && cursor === undefined) throw new UserNotFoundError()
      const next = entries[limit]?.version
      return { id, entries: entries.slice(0, limit), next: next === undefined ? null : String(next) }
    }
  )

  typed.get(
    '/v1/user-events',
    {
      schema: {
        summary: 'What happened to users, in order, for other services: nothing personal',
        querystring: FeedQuery,
        response: { 200: FeedPage }
      }
    },
    async request => within(request, () => feed.page(request.query.after, request.query.limit ?? 500))
  )
}
