import { problem } from '@plimsoll/http'
import { type Clock, DEADLINE_HEADER, parseDeadlineHeader } from '@plimsoll/resilience'
import type { FastifyRequest } from 'fastify'
import { limits } from '../limits.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The instant of the service's clock by which the answer is due. Every request has one. */
    deadline: number
  }
}

const header = DEADLINE_HEADER.toLowerCase()

/** What the client says is left for its answer, and never more than the service's own limit. */
export function deadlineOf(request: FastifyRequest, clock: Clock): number {
  const longest = clock.now() + limits.requestMs
  const said = request.headers[header]
  if (said === undefined) return longest
  const deadline = parseDeadlineHeader(String(said), clock)
  if (deadline === null) {
    throw problem(400, 'invalid_deadline', `${DEADLINE_HEADER} must be the whole milliseconds that are left`)
  }
  return Math.min(longest, deadline)
}
