import type { FastifyInstance, FastifySchema } from 'fastify'
import Type from 'typebox'

/** What every refusal looks like; further members say more, such as `errors` or `line`. */
const ProblemBody = Type.Object(
  {
    type: Type.String({ description: 'urn:plimsoll:problem:CODE' }),
    title: Type.String(),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.String({ description: 'what is wrong with this request, where, and how to mend it' }),
    code: Type.String({ description: 'stable and meant for programs' })
  },
  { additionalProperties: true }
)

/** Statuses that a route may answer with besides a success, and when. */
const when = {
  400: 'The request is not what this document says.',
  401: 'Nobody is known by these credentials.',
  403: 'Whoever this is may not do it.',
  404: 'There is no such thing.',
  408: 'The request did not arrive whole in time.',
  409: 'What is there already does not allow it.',
  410: 'There was such a thing, and it is gone.',
  412: 'It is not as If-Match says any more: read it again.',
  413: 'The body is too large.',
  414: 'A part of the path is too long.',
  415: 'The body is of a type or an encoding that is not read here.',
  417: 'What the Expect header asks for is not given here.',
  422: 'The request contradicts an earlier one.',
  428: 'It needs If-Match, with the ETag of what was read.',
  431: 'The headers are too large.',
  503: 'Not now: send it again after the seconds in Retry-After.'
} as const
export type ProblemStatus = keyof typeof when

const retryAfter = {
  'retry-after': { type: 'integer', minimum: 1, description: 'Whole seconds until it is worth a try.' }
}

/**
 * Entries for a route's `schema.response`, so that the OpenAPI document lists how the route refuses.
 * @example response: { 200: Session, ...problemResponses(401, 404) }
 */
export function problemResponses(...statuses: readonly ProblemStatus[]): Record<number, unknown> {
  return Object.fromEntries(
    statuses.map(status => [
      status,
      {
        description: when[status],
        ...(status === 503 ? { headers: retryAfter } : {}),
        content: { 'application/problem+json': { schema: ProblemBody } }
      }
    ])
  )
}

/** Adds to each route of `app` that comes after it how its hooks refuse, whatever the route. What a route says itself stays. */
export function documentProblems(app: FastifyInstance, ...statuses: readonly ProblemStatus[]): void {
  app.addHook('onRoute', route => {
    route.schema = { ...route.schema, response: { ...problemResponses(...statuses), ...responsesOf(route.schema) } }
  })
}

/** What the server refuses by itself, before and around any handler. */
export function refusedByTheServer(schema: FastifySchema | undefined, method: string): ProblemStatus[] {
  const always: ProblemStatus[] = [400, 408, 414, 417, 431]
  return schema?.body === undefined && (method === 'GET' || method === 'HEAD') ? always : [...always, 413, 415]
}

export function responsesOf(schema: FastifySchema | undefined): Record<string, unknown> {
  return (schema?.response ?? {}) as Record<string, unknown>
}
