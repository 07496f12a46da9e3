import { problem } from '@plimsoll/http'
import type { FastifyRequest } from 'fastify'
import { clockCorrection } from '../ingest/body.ts'
import type { Judgement } from '../ingest/validate.ts'
import { keptFrom } from '../retention.ts'

/**
 * How the times of a request are judged: against the time of its receipt, from the client's clock as its X-Sent-At shows it,
 * and by whether it may send old ones.
 * @throws Problem 400 `invalid_sent_at`, 403 `backfill_not_allowed`
 */
export function judgementOf(request: FastifyRequest, receivedAt: number, keepMs: number | undefined): Judgement {
  return {
    receivedAt,
    correction: correctionOf(request, receivedAt),
    backfill: mayBackfill(request),
    ...(keepMs !== undefined && { keptFrom: keptFrom(receivedAt, keepMs) })
  }
}

function correctionOf(request: FastifyRequest, receivedAt: number): number {
  const sentAt = request.headers['x-sent-at']
  return clockCorrection(typeof sentAt === 'string' ? sentAt : undefined, receivedAt)
}

function mayBackfill(request: FastifyRequest): boolean {
  if (request.headers['x-plimsoll-backfill'] !== '1') return false
  if (request.principal!.backfill) return true
  throw problem(
    403,
    'backfill_not_allowed',
    'This key may not send old events; make one with `plimsoll keys create --backfill`.'
  )
}
