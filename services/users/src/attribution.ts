import { randomUUIDv7 } from 'node:crypto'
import type { EventMetadata } from '@plimsoll/eventlog'
import type { FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'

const Id = (description: string) => Type.Optional(Type.String({ pattern: '^[A-Za-z0-9._:-]{1,128}$', description }))

/** Who does it and what it belongs to, in headers. They are kept in clear, so none may be an address. */
export const AttributionHeaders = Type.Object({
  'x-plimsoll-actor': Type.Optional(
    Type.String({
      pattern: '^[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}$',
      description: 'Who does it, as the caller says: kept in clear, so an id and no address. Default: admin.'
    })
  ),
  'x-correlation-id': Id('The same for all that one request set going. Default: a new one.'),
  'x-causation-id': Id('The id of the command or event that this one answers.')
})

export const ReasonHeader = Type.Object({
  ...AttributionHeaders.properties,
  'x-plimsoll-reason': Type.Optional(
    Type.String({
      pattern: '^[\\x21-\\x7e]([\\x20-\\x7e]{0,498}[\\x21-\\x7e])?$',
      description: 'Why, in ASCII. Kept sealed.'
    })
  )
})

/** W3C Trace Context; one that is not well formed is passed over, as it asks. */
const traceparent = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/

/** The metadata of what a request leads to. Its headers have been judged by their schema. */
export function attributionOf({ headers }: Pick<FastifyRequest, 'headers'>): EventMetadata {
  const said = headers as Static<typeof AttributionHeaders>
  const causationId = said['x-causation-id']
  const trace = headers.traceparent
  return {
    actor: said['x-plimsoll-actor'] ?? 'admin',
    correlationId: said['x-correlation-id'] ?? randomUUIDv7(),
    ...(causationId !== undefined && { causationId }),
    ...(typeof trace === 'string' && traceparent.test(trace) && { traceparent: trace })
  }
}
