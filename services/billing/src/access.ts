import { bearer, Problem, problem, sameSecret } from '@plimsoll/http'
import type { FastifyRequest } from 'fastify'

export interface AccessOptions {
  adminToken: string
  isSignedIn(request: FastifyRequest): boolean
}

/** The admin token may do everything, a signed-in console may read, and a write key is for writing events. */
export function requireAdmin(request: FastifyRequest, { adminToken, isSignedIn }: AccessOptions): void {
  const token = bearer(request)
  if (token !== undefined && sameSecret(token, adminToken)) return
  if (token === undefined && request.method === 'GET' && isSignedIn(request)) return
  if (token?.startsWith('plk_'))
    throw problem(403, 'write_key_cannot_read', 'A write key can only write events; use the admin token.')
  throw new Problem(401, 'unauthorized', 'Send the admin token as "Authorization: Bearer …".', {
    headers: { 'www-authenticate': 'Bearer' }
  })
}
