import type { FastifyRequest } from 'fastify'
import { clockCorrection } from '../ingest/body.ts'

/** Milliseconds to add to the times of a request, from the client's clock as its X-Sent-At shows it. */
export function correctionOf(request: FastifyRequest, receivedAt: number): number {
  const sentAt = request.headers['x-sent-at']
  return clockCorrection(typeof sentAt === 'string' ? sentAt : undefined, receivedAt)
}
