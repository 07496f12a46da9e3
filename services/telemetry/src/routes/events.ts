import { isUtf8 } from 'node:buffer'
import { problem } from '@plimsoll/http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { Event, type EventResult, EventsAnswer } from '../contract.ts'
import { decodeBody, parseEvents } from '../ingest/body.ts'
import type { Ingest } from '../ingest/ingest.ts'
import { comeBackAfter } from '../ingest/refusal.ts'
import { isRejection, type Rejection, type ValidEvent, validateEvent } from '../ingest/validate.ts'
import { limits } from '../limits.ts'
import type { Recorded } from '../spool/ingest-spool.ts'
import { timeHeaders } from './documented-headers.ts'
import { judgementOf } from './judgement.ts'
import { refusedOutcomes } from './refused-outcomes.ts'

/** `POST /v1/events`: one event, an array, or one a line. Answers per event, after the commit. */
export function eventRoutes(app: FastifyInstance, ingest: Ingest, keepMs?: number): void {
  app.register(async scope => {
    scope.removeAllContentTypeParsers()
    for (const type of ['application/json', 'application/x-ndjson', 'application/ndjson']) {
      scope.addContentTypeParser(type, { parseAs: 'buffer', bodyLimit: limits.wireBytes }, (_request, body, done) =>
        done(null, body)
      )
    }
    scope.post(
      '/v1/events',
      {
        bodyLimit: limits.wireBytes,
        config: { documentedHeaders: timeHeaders },
        schema: {
          summary: 'Record events',
          description:
            'Each event is judged by itself and counted once by its id. A 200 comes after the commit or, with the store away, when the events are on this machine’s disk (`accepted` with code `spooled`). `retry` was not taken: send it again. `duplicate` is a success: the event is in the log already. `Plimsoll-Position` is a place in the log that holds what was taken: an answer of the read side that is asked for with this `minPosition` shows it.',
          consumes: ['application/json', 'application/x-ndjson'],
          body: Type.Union([Event, Type.Array(Event, { minItems: 1, maxItems: limits.events })]),
          response: { 200: EventsAnswer }
        },
        // The schema is for the document: events are judged one by one below, so that a bad one harms no other.
        validatorCompiler: () => () => true,
        serializerCompiler: () => value => JSON.stringify(value)
      },
      async (request, reply) => {
        const receivedAt = ingest.now()
        const principal = request.principal!
        // At the door before anything is parsed: to refuse must cost little. What the body holds is guessed by its size.
        return ingest.admitted(principal.project, guessEvents(request.body), async admission => {
          const raw = await readEvents(request)
          admission.weigh(raw.length)
          const judgement = judgementOf(request, receivedAt, keepMs)
          const judged = raw.map(event => validateEvent(event, judgement))
          const valid = judged.filter((event): event is ValidEvent => !isRejection(event))
          const outcomes = await ingest.record(principal.project, receivedAt, valid, judged.length - valid.length, {
            admission,
            deadline: request.deadline
          })
          let next = 0
          const results = judged.map(event =>
            isRejection(event) ? rejected(event) : recorded(event, outcomes[next++]!)
          )
          // What is spooled has no place in the log yet.
          if (outcomes[0] !== 'spooled' && outcomes[0] !== 'shed') reply.header('plimsoll-position', ingest.position)
          if (results.some(({ result }) => result === 'retry')) reply.header('retry-after', comeBackAfter())
          return { results, receivedAt: new Date(receivedAt).toISOString() }
        })
      }
    )
  })
}

/** Events have some hundred bytes; a packed body holds more of them than it seems, and that is known soon enough. */
function guessEvents(body: unknown): number {
  return Buffer.isBuffer(body) ? Math.min(limits.events, 1 + Math.floor(body.length / 300)) : 1
}

async function readEvents(request: FastifyRequest): Promise<unknown[]> {
  if (!Buffer.isBuffer(request.body))
    throw problem(400, 'empty_request', 'the request has no body; send an event as JSON')
  const encoding = request.headers['content-encoding']
  const body = encoding === undefined ? request.body : await decodeBody(request.body, encoding)
  if (!isUtf8(body)) throw problem(400, 'malformed_json', 'the body is not UTF-8')
  return parseEvents(body.toString('utf8'), request.headers['content-type']!.toLowerCase().includes('ndjson'))
}

function rejected({ id, code, detail }: Rejection): EventResult {
  return { id, result: 'rejected', code, detail }
}

const spooled = 'the store is away; this is on disk and will be counted when it is back'
const shed = 'the store is away and the room to keep this meanwhile is nearly used up; send it again later'

function recorded(event: ValidEvent, outcome: Recorded): EventResult {
  if (outcome === 'spooled') return { id: event.id, result: 'accepted', code: 'spooled', detail: spooled }
  if (outcome === 'shed') return { id: event.id, result: 'retry', code: 'spool_full', detail: shed }
  if (outcome === 'accepted' || outcome === 'duplicate') return { id: event.id, result: outcome }
  return { id: event.id, result: 'rejected', ...refusedOutcomes[outcome] }
}
