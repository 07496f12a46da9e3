import { bearer, Problem, problem, sameSecret } from '@plimsoll/http'
import type { FastifyRequest } from 'fastify'
import type { Ingest } from '../ingest/ingest.ts'
import type { Keys, WriteKey } from '../keys.ts'

/** On whose behalf a request acts. */
export interface Principal {
  project: string
  /** May send events older than the accepted lateness. */
  backfill: boolean
  /** May read, and may make keys. */
  admin: boolean
}

declare module 'fastify' {
  interface FastifyRequest {
    principal: Principal | null
  }
  interface FastifyContextConfig {
    /** Writes nothing, so it is served while the door is closed to what writes. */
    reads?: true
  }
}

export interface PrincipalOptions {
  keys: Keys
  ingest: Ingest
  /** The local admin token; with it, `X-Plimsoll-Project` or `?project=` names the project. */
  adminToken: string
  /** True when the request carries a signed-in console's cookie. Good for reading only. */
  isSignedIn(request: FastifyRequest): boolean
}

const projectName = /^[a-z0-9][a-z0-9_-]{0,63}$/

/**
 * Finds out who asks, before the body is read: what nobody may send is not parsed. At once, but for a key that the store has
 * to be asked for.
 * @throws Problem 401 `unauthorized`, 400 `invalid_project`
 */
export function createIdentify({ keys, ingest, adminToken, isSignedIn }: PrincipalOptions) {
  const lookFor = async (request: FastifyRequest, token: string): Promise<Principal> => {
    const key = await ingest.ask(writes(request) ? 'write' : 'read', () => keys.verify(token), request.deadline)
    if (!key) throw unauthorized()
    return principalOf(key)
  }
  return (request: FastifyRequest): Principal | Promise<Principal> => {
    const token = bearer(request)
    if (token?.startsWith('plk_')) {
      const key = keys.known(token)
      return key ? principalOf(key) : lookFor(request, token)
    }
    if (token !== undefined && sameSecret(token, adminToken)) {
      return { project: projectOf(request), backfill: true, admin: true }
    }
    if (token === undefined && request.method === 'GET' && isSignedIn(request)) {
      return { project: projectOf(request), backfill: false, admin: true }
    }
    throw unauthorized()
  }
}

const principalOf = ({ project, backfill }: WriteKey): Principal => ({ project, backfill, admin: false })

function unauthorized(): Problem {
  const detail = 'Send a write key as "Authorization: Bearer plk_…"; `plimsoll keys create` makes one.'
  return new Problem(401, 'unauthorized', detail, { headers: { 'www-authenticate': 'Bearer' } })
}

/** A question that needs a body is a POST and writes nothing all the same: `config: { reads: true }`. */
export function writes(request: FastifyRequest): boolean {
  return request.method !== 'GET' && request.routeOptions.config.reads !== true
}

function projectOf(request: FastifyRequest): string {
  const named = request.headers['x-plimsoll-project'] ?? (request.query as { project?: unknown }).project ?? 'default'
  if (typeof named !== 'string' || !projectName.test(named)) {
    throw problem(
      400,
      'invalid_project',
      'A project is named by 1 to 64 of a-z, 0-9, - and _, and begins with a letter or digit.'
    )
  }
  return named
}

export function requireAdmin(request: FastifyRequest): Principal {
  if (!request.principal?.admin)
    throw problem(403, 'write_key_cannot_read', 'A write key can only write; use the admin token or sign in.')
  return request.principal
}
