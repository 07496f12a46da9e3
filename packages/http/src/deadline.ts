import { type Clock, DEADLINE_HEADER, parseDeadlineHeader } from '@plimsoll/resilience'
import type { FastifyRequest } from 'fastify'
import type { DocumentedHeaders } from './document-requests.ts'
import { problem } from './problem.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The instant of the service's clock by which the answer is due, where the service sets it by `deadlineOf`. */
    deadline: number
  }
}

export interface DeadlineLimits {
  clock: Pick<Clock, 'now'>
  /** How long an answer may take, whatever the client says, in milliseconds; Infinity for no limit. */
  longestMs: number
}

const header = DEADLINE_HEADER.toLowerCase()

/**
 * By when a request wants its answer: what `X-Request-Deadline` says is left, and never more than the service's own limit.
 * Ask when the request comes, because what is left is counted from then.
 * @throws Problem 400 `invalid_deadline` when the header is no whole number of milliseconds
 */
export function deadlineOf(request: Pick<FastifyRequest, 'headers'>, { clock, longestMs }: DeadlineLimits): number {
  const longest = clock.now() + longestMs
  const said = request.headers[header]
  if (said === undefined) return longest
  const deadline = parseDeadlineHeader(String(said), clock)
  if (deadline === null) {
    throw problem(400, 'invalid_deadline', `${DEADLINE_HEADER} must be the whole milliseconds that are left.`)
  }
  return Math.min(longest, deadline)
}

/** The header as it reads in the document, for `documentRequests`. */
export const documentedDeadline = (longestMs: number): DocumentedHeaders => ({
  [header]: {
    type: 'integer',
    minimum: 0,
    description: `Whole milliseconds that the client still waits; never more than ${longestMs} are taken.`
  }
})
