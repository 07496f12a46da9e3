import { randomUUIDv7 } from 'node:crypto'
import type { Database } from '@plimsoll/database'
import { Problem, problem, problemResponses } from '@plimsoll/http'
import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import { NewSession, SessionAnswer, Uuid } from '../contract.ts'
import { canonicalJson, derivedUuid, digestOf } from '../ingest/event-id.ts'
import { type Ingest, minuteOf } from '../ingest/ingest.ts'
import { answerOf } from '../ingest/session-answer.ts'
import { isRejection, type Judgement, type ValidEvent, validateEvent } from '../ingest/validate.ts'
import type { Outcome } from '../ingest/work.ts'
import { findAnswer, findSession, listSessions } from '../store.ts'
import { timeHeaders } from './documented-headers.ts'
import { judgementOf } from './judgement.ts'
import { requireAdmin } from './principal.ts'
import { putSessionRoute } from './put-session.ts'
import { refusedOutcomes } from './refused-outcomes.ts'

const Id = Type.Object({ id: Uuid })

/** One session by itself: POST needs a key to be safe to repeat, PUT and DELETE are so by nature. `keepMs`: as of the service. */
export function sessionRoutes(app: FastifyInstance, database: Database, ingest: Ingest, keepMs?: number): void {
  putSessionRoute(app, ingest, keepMs)

  app.post<{ Body: NewSession }>(
    '/v1/sessions',
    {
      config: { documentedHeaders: timeHeaders },
      schema: {
        summary: 'Record one session',
        description:
          'The same Idempotency-Key with the same body gets the same answer, however often it is sent. Refused are an `id` whose session was deleted (409 `session_deleted`) and one with as many visits as it may have (422 `too_many_visits`).',
        headers: Type.Object({ 'idempotency-key': Type.Optional(Type.String({ maxLength: 257 })) }),
        body: NewSession,
        response: { 201: SessionAnswer, ...problemResponses(409, 422) }
      }
    },
    async (request, reply) => {
      const { project } = request.principal!
      const receivedAt = ingest.now()
      const key = keyOf(request.headers['idempotency-key'])
      const event = startEvent(project, key, request.body, judgementOf(request, receivedAt, keepMs))
      const outcome = await ingest.admitted(project, 1, async admission => {
        await ingest.attach([event], request.deadline)
        return ingest.commit(
          {
            kind: 'events',
            project,
            minute: minuteOf(receivedAt),
            events: [event],
            rejected: 0,
            answeredAt: receivedAt
          },
          { admission, deadline: request.deadline }
        )
      })
      const { outcomes, session } = outcome as Extract<Outcome, { kind: 'events' }>
      if (outcomes[0] === 'conflict') {
        throw problem(
          422,
          'idempotency_key_reused',
          'This Idempotency-Key was used with another body; a new session needs a new key.'
        )
      }
      if (outcomes[0] === 'deleted' || outcomes[0] === 'overfull') {
        const { code, detail } = refusedOutcomes[outcomes[0]]
        throw problem(outcomes[0] === 'deleted' ? 409 : 422, code, detail)
      }
      reply.code(201).header('plimsoll-position', ingest.position)
      if (outcomes[0] === 'accepted') return answerOf(event.sessionId, session!, receivedAt)
      reply.header('idempotent-replayed', 'true')
      return firstAnswer(await ingest.read(() => findAnswer(database, project, event.id), request.deadline))
    }
  )

  app.get<{ Params: { id: string } }>(
    '/v1/sessions/:id',
    { schema: { summary: 'Read one session', params: Id, response: { 200: SessionAnswer, ...problemResponses(404) } } },
    async request => {
      const { project } = requireAdmin(request)
      const id = request.params.id.toLowerCase()
      const state = await ingest.read(() => findSession(database, project, id), request.deadline)
      if (!state || state.deletedAt !== null)
        throw problem(404, 'session_not_found', `There is no session ${id} in project ${project}.`)
      return answerOf(id, state, ingest.now())
    }
  )

  app.get<{ Querystring: { limit?: number; before?: string } }>(
    '/v1/sessions',
    {
      schema: {
        summary: 'List sessions, the greatest id first',
        description:
          'By id, which for version 7 ids is by the time they were made, the latest first. Ids of another kind, as `POST /v1/sessions` makes when none is given, stand anywhere. `next` is the `before` of the next page.',
        querystring: Type.Object({
          project: Type.Optional(Type.String()),
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 20 })),
          before: Type.Optional(Uuid)
        }),
        response: {
          200: Type.Object({ sessions: Type.Array(SessionAnswer), next: Type.Union([Type.String(), Type.Null()]) })
        }
      }
    },
    async request => {
      const { project } = requireAdmin(request)
      const limit = request.query.limit ?? 20
      const sessions = await ingest.read(
        () => listSessions(database, project, limit, request.query.before),
        request.deadline
      )
      return {
        sessions: sessions.map(({ id, state }) => answerOf(id, state, ingest.now())),
        next: sessions.length === limit ? sessions.at(-1)!.id : null
      }
    }
  )

  app.delete<{ Params: { id: string } }>(
    '/v1/sessions/:id',
    {
      schema: {
        summary: 'Delete a session; a second time changes nothing',
        params: Id,
        response: { 204: Type.Null(), ...problemResponses(404) }
      }
    },
    async (request, reply) => {
      const { project } = request.principal!
      const id = request.params.id.toLowerCase()
      const at = ingest.now()
      const outcome = await ingest.admitted(project, 1, admission =>
        ingest.commit(
          {
            kind: 'delete',
            project,
            minute: minuteOf(at),
            sessionId: id,
            at,
            logId: randomUUIDv7()
          },
          { admission, deadline: request.deadline }
        )
      )
      if (!(outcome as Extract<Outcome, { kind: 'delete' }>).existed) {
        throw problem(404, 'session_not_found', `There is no session ${id} in project ${project}.`)
      }
      return reply.code(204).header('plimsoll-position', ingest.position).send()
    }
  )
}

/** The draft has the key as a quoted string, clients send it bare: both are the same key. */
function keyOf(header: unknown): string {
  const text = typeof header === 'string' ? header.trim() : ''
  const key = text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text
  if (key === '') {
    throw problem(
      400,
      'idempotency_key_missing',
      'Send an Idempotency-Key: any text of up to 255 characters that is new for each session.'
    )
  }
  return key
}

/** The event's id, and the session's when the client gave none, follow from the key: a retry makes the same ones. */
function startEvent(project: string, key: string, body: NewSession, judgement: Judgement): ValidEvent {
  const startedAt = body.startedAt ?? new Date(judgement.receivedAt).toISOString()
  const judged = validateEvent(
    {
      id: derivedUuid('session-request', project, key),
      type: 'session.start',
      time: startedAt,
      user: body.user,
      session: { id: body.id ?? derivedUuid('session', project, key) },
      ...(body.data === undefined ? {} : { data: body.data })
    },
    // A start that we filled in is by our own clock.
    body.startedAt === undefined ? { ...judgement, correction: 0 } : judgement
  )
  if (isRejection(judged)) throw problem(400, judged.code, judged.detail)
  // What the client sent decides whether a request is the same, not what was filled in on the way.
  return { ...judged, digest: digestOf(canonicalJson(body)) }
}

function firstAnswer(answer: SessionAnswer | undefined): SessionAnswer {
  if (answer) return answer
  throw new Problem(503, 'replay_unavailable', 'The first answer cannot be read now; send the same again.', {
    headers: { 'retry-after': '1' }
  })
}
