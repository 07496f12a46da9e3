import type { FastifyReply } from 'fastify'
import type { HandlerAnswer } from './answer.ts'

export interface StagedReply {
  /** What the handler is given. Its `send` sends nothing. */
  reply: FastifyReply
  /** What the handler answered by `send`, or else by what it returned. */
  answer(returned: unknown): HandlerAnswer
}

/**
 * A reply that holds the payload back, because an answer may not leave before the commit. It has no `then`: Fastify's
 * reply is a promise of its own end, and a handler that returns it would wait for itself.
 */
export function stagedReply(reply: FastifyReply): StagedReply {
  let payload: unknown
  const staged: FastifyReply = Object.create(reply, {
    // biome-ignore lint/suspicious/noThenProperty: it takes one away
    then: { value: undefined },
    send: {
      value(given: unknown) {
        if (given instanceof Error) throw given
        payload = given
        return staged
      }
    }
  })
  return {
    reply: staged,
    answer(returned) {
      const body = returned === staged || returned === undefined ? payload : returned
      const bytes = bodyOf(body, staged)
      return { status: reply.statusCode, headers: ownHeaders(staged), body: bytes }
    }
  }
}

/** The bytes that Fastify would send, by the response schema of the route if it has one. */
function bodyOf(body: unknown, reply: FastifyReply): string | Uint8Array | undefined {
  if (body === undefined || body === null) return
  if (isStream(body)) throw new TypeError('an idempotent route cannot answer with a stream: there is nothing to keep')
  const typed = reply.hasHeader('content-type')
  if (body instanceof Uint8Array) {
    if (!typed) reply.header('content-type', 'application/octet-stream')
    return body
  }
  if (typeof body === 'string') {
    if (!typed) reply.header('content-type', 'text/plain; charset=utf-8')
    return body
  }
  if (!typed) reply.header('content-type', 'application/json; charset=utf-8')
  return reply.serialize(body) as string | Uint8Array
}

function isStream(body: unknown): boolean {
  return (
    typeof body === 'object' && body !== null && ('pipe' in body || 'getReader' in body || body instanceof Response)
  )
}

function ownHeaders(reply: FastifyReply): Record<string, string | number | string[]> {
  const headers = Object.entries(reply.getHeaders()).filter(([, value]) => value !== undefined)
  return Object.fromEntries(headers) as Record<string, string | number | string[]>
}
