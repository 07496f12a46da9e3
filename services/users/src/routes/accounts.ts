import { randomUUIDv7 } from 'node:crypto'
import type { Transaction } from '@plimsoll/database'
import { type DomainEvent, fold, type Handled, handle } from '@plimsoll/eventlog'
import { problem, problemResponses, type TypeBoxProvider } from '@plimsoll/http'
import type { Keyed } from '@plimsoll/idempotency/fastify'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { AttributionHeaders, attributionOf, ReasonHeader } from '../attribution.ts'
import { etagOf, ifMatchOf, noneMatches } from '../conditional.ts'
import { Change, Done, MomentQuery, Registration, UserAnswer, UserParams } from '../contract.ts'
import { momentOf } from '../moment.ts'
import type { UserStore } from '../store.ts'
import { UserDeletedError, UserErasedError, UserNotFoundError } from '../user/errors.ts'
import { streamOf, type UserEvent } from '../user/events.ts'
import { snapshots, type User, type UserCommand, user } from '../user/user.ts'

export interface AccountOptions {
  store: UserStore
  /** Within the time that the request has. */
  within<T>(request: FastifyRequest, work: () => Promise<T>): Promise<T>
  keyed(request: FastifyRequest): Keyed<Transaction>
}

const ifMatch = {
  'if-match': { type: 'string', pattern: '^(\\*|"\\d{1,9}")$', description: 'The ETag of what was read, or *.' }
} as const

export function accountRoutes(app: FastifyInstance, { store, within, keyed }: AccountOptions): void {
  const typed = app.withTypeProvider<TypeBoxProvider>()
  const run = (request: FastifyRequest, command: UserCommand) => {
    const wanted = ifMatchOf(request.headers['if-match'])
    const expected = wanted === 'any' ? {} : { expected: wanted }
    const options = { metadata: attributionOf(request), snapshots, ...expected }
    return within(request, () => handle(user, store.events, streamOf(command.id), command, options))
  }

  typed.post(
    '/v1/users',
    {
      config: {
        idempotency: { required: false },
        documentedHeaders: {
          'idempotency-key': { type: 'string', description: 'Makes a retry safe. Needed when the body has no id.' }
        }
      },
      schema: {
        summary: 'Register a user',
        headers: AttributionHeaders,
        body: Registration,
        response: { 201: Done, ...problemResponses(409, 422) }
      }
    },
    async (request, reply) => {
      const { id = randomUUIDv7(), ...registration } = request.body
      if (request.body.id === undefined && request.headers['idempotency-key'] === undefined) {
        throw problem(
          400,
          'idempotency_key_missing',
          'Send an id of your own, or an Idempotency-Key: else a retry would be a second user.'
        )
      }
      const { tx } = keyed(request)
      const command: UserCommand = { do: 'register', id, ...registration }
      const options = { metadata: attributionOf(request), tx }
      // Also in here: who begins too late, or is too slow, is rolled back and leaves the key free for a retry.
      const handled = await within(request, () => handle(user, store.events, streamOf(id), command, options))
      reply.code(201).headers({ etag: etagOf(handled.version), location: `/v1/users/${encodeURIComponent(id)}` })
      return done(id, handled)
    }
  )

  typed.get(
    '/v1/users/:id',
    {
      config: {
        documentedHeaders: { 'if-none-match': { type: 'string', description: 'An ETag: 304 when it is still so.' } }
      },
      schema: {
        summary: 'A user, now or as of a moment',
        params: UserParams,
        querystring: MomentQuery,
        response: { 200: UserAnswer, 304: Type.Null(), ...problemResponses(404, 410) }
      }
    },
    async (request, reply) => {
      const { id } = request.params
      const { at } = request.query
      const when = at === undefined ? { snapshots } : { at: momentOf(at) }
      const { state, version } = await within(request, () => fold(user, store.events, streamOf(id), when))
      const answer = answerOf(id, version, state)
      reply.header('etag', etagOf(version))
      if (noneMatches(request.headers['if-none-match'], version)) return reply.code(304).send(null)
      return answer
    }
  )

  typed.patch(
    '/v1/users/:id',
    {
      config: { documentedHeaders: ifMatch },
      schema: {
        summary: 'Change a user',
        headers: AttributionHeaders,
        params: UserParams,
        body: Change,
        response: { 200: Done, ...problemResponses(404, 410, 412, 428) }
      }
    },
    async (request, reply) => {
      const { id } = request.params
      const handled = await run(request, { do: 'change', id, ...request.body })
      reply.header('etag', etagOf(handled.version))
      return done(id, handled)
    }
  )

  typed.delete(
    '/v1/users/:id',
    {
      config: { documentedHeaders: ifMatch },
      schema: {
        summary: 'Delete a user; what was stays in the history',
        headers: ReasonHeader,
        params: UserParams,
        response: { 200: Done, ...problemResponses(404, 410, 412, 428) }
      }
    },
    async (request, reply) => {
      const { id } = request.params
      const reason = request.headers['x-plimsoll-reason']
      const handled = await run(request, { do: 'delete', id, ...(reason !== undefined && { reason }) })
      reply.header('etag', etagOf(handled.version))
      return done(id, handled)
    }
  )
}

function done(id: string, { version, events }: Handled<User, DomainEvent | UserEvent>): Done {
  return { id, version, events: events.map(({ type }) => type) }
}

/** What a user is to whoever asks. @throws UserError when there is none */
export function answerOf(id: string, version: number, state: User): UserAnswer {
  if (state.status === 'none') throw new UserNotFoundError()
  if (state.status === 'deleted') throw new UserDeletedError()
  if (state.status === 'erased') throw new UserErasedError()
  const { email, name, plan, region, flags, erased } = state
  return { id, version, email, name, plan, region, flags, erased }
}
