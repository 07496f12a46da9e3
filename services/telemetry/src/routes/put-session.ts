import { randomUUIDv7 } from 'node:crypto'
import { problem } from '@plimsoll/http'
import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import { PutSession, SessionAnswer, Uuid } from '../contract.ts'
import { type Ingest, minuteOf } from '../ingest/ingest.ts'
import { answerOf } from '../ingest/session-answer.ts'
import { type Judgement, judgeTime, storable } from '../ingest/validate.ts'
import type { Outcome } from '../ingest/work.ts'
import { parseMoment } from '../moment.ts'
import { timeHeaders } from './documented-headers.ts'
import { judgementOf } from './judgement.ts'

/** `PUT /v1/sessions/{id}`: what is given replaces what is there. `keepMs`: how long events are kept. Default: for ever. */
export function putSessionRoute(app: FastifyInstance, ingest: Ingest, keepMs?: number): void {
  app.put<{ Params: { id: string }; Body: PutSession }>(
    '/v1/sessions/:id',
    {
      config: { documentedHeaders: timeHeaders },
      schema: {
        summary: 'Set a session: same input, same state',
        description:
          'Times have the limits of events: `time_in_future`, `too_old`. With `X-Sent-At` from a clock that is off they are corrected by what it is off by, so a repetition may move them by as much as the ways of two requests differ.',
        params: Type.Object({ id: Uuid }),
        body: PutSession,
        response: { 200: SessionAnswer }
      }
    },
    async (request, reply) => {
      const { project } = request.principal!
      const id = request.params.id.toLowerCase()
      const { user, startedAt, endedAt, tier, region } = request.body
      if ((tier === undefined) !== (region === undefined)) {
        throw problem(400, 'invalid_request', 'tier and region are set together or not at all')
      }
      if (user && !storable(user.id)) {
        throw problem(400, 'invalid_text', '/user/id has a character that cannot be stored (NUL or half a pair)')
      }
      const at = ingest.now()
      const judgement = judgementOf(request, at, keepMs)
      const put = {
        at,
        userId: user?.id,
        startedAt: startedAt === undefined ? undefined : momentOf('startedAt', startedAt, judgement),
        endedAt: endedAt === undefined || endedAt === null ? endedAt : momentOf('endedAt', endedAt, judgement),
        enrichment:
          tier === undefined || region === undefined
            ? undefined
            : ({ state: 'known', tier, region, flags: {} } as const)
      }
      const outcome = await ingest.admitted(project, 1, admission =>
        ingest.commit(
          {
            kind: 'put',
            project,
            minute: minuteOf(at),
            sessionId: id,
            put,
            logId: randomUUIDv7()
          },
          { admission, deadline: request.deadline }
        )
      )
      if (outcome.kind === 'put-refused') {
        throw problem(400, outcome.code, putRefusals[outcome.code])
      }
      reply.header('plimsoll-position', ingest.position)
      return answerOf(id, (outcome as Extract<Outcome, { kind: 'put' }>).session, ingest.now())
    }
  )
}

const putRefusals = {
  user_required: 'the session is new, so it needs a user: {"user": {"id": "…"}}',
  ends_before_start: 'endedAt is before the start of the session'
}

function momentOf(field: string, text: string, judgement: Judgement): number {
  const said = parseMoment(text)
  if (said === undefined)
    throw problem(400, 'invalid_request', `${field} "${text.slice(0, 40)}" is not a moment of the calendar`)
  const time = said + judgement.correction
  const untimely = judgeTime(time, judgement)
  if (untimely) throw problem(400, untimely.code, `/${field}: ${untimely.detail}`)
  return time
}
