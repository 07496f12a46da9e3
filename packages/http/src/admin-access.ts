import type { FastifyRequest } from 'fastify'
import { bearer, sameSecret } from './constant-time.ts'
import { Problem, problem } from './problem.ts'

export interface AccessOptions {
  adminToken: string
  /** True when the request carries a signed-in console's cookie. Good for reading only. */
  isSignedIn(request: FastifyRequest): boolean
}

/** What the keys begin with that pages and apps hold, and that can only write events. */
const writeKeyPrefix = 'plk_'

/**
 * Lets the admin token do everything and a signed-in console read. A write key belongs to a page or an app that many
 * hold: it can neither read here nor change anything.
 * @throws Problem 401 `unauthorized`, 403 `write_key_cannot_read`
 */
export function requireAdmin(request: FastifyRequest, { adminToken, isSignedIn }: AccessOptions): void {
  const token = bearer(request)
  if (token !== undefined && sameSecret(token, adminToken)) return
  if (token === undefined && request.method === 'GET' && isSignedIn(request)) return
  if (token?.startsWith(writeKeyPrefix))
    throw problem(403, 'write_key_cannot_read', 'A write key can only write events; use the admin token.')
  throw new Problem(401, 'unauthorized', 'Send the admin token as "Authorization: Bearer …".', {
    headers: { 'www-authenticate': 'Bearer' }
  })
}
