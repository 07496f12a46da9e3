import { bearer, Problem, problem, sameSecret } from '@plimsoll/http'
import type { FastifyRequest } from 'fastify'

export interface AccessOptions {
  adminToken: string
  /** True when the request carries a signed-in console's cookie. Good for reading only. */
  isSignedIn(request: FastifyRequest): boolean
}

/**
 * Lets the admin token do everything and a signed-in console read. A write key belongs to a page or an app that many
 * hold: it can neither read users nor change them.
 */
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
