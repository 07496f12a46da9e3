import type { FastifyInstance, FastifySchema } from 'fastify'

/** How a header reads in the document. */
export interface DocumentedHeader {
  type: 'string' | 'integer'
  description: string
  minimum?: number
  format?: string
  pattern?: string
  enum?: readonly string[]
}
export type DocumentedHeaders = Readonly<Record<string, DocumentedHeader>>

/** What may prove who asks: `Authorization: Bearer`, or the cookie that the server was told of. */
export type Credential = 'bearer' | 'cookie'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Request headers of the route by lower-case name, for the document alone: whatever reads them judges them. */
    documentedHeaders?: DocumentedHeaders
  }
  interface FastifySchema {
    security?: readonly Readonly<Record<string, readonly string[]>>[]
  }
}

/** Adds to each route of `app` that comes after it what its hooks read of a request. What a route says itself stays. */
export function documentRequests(
  app: FastifyInstance,
  { headers = {}, credentials }: { headers?: DocumentedHeaders; credentials(method: string): readonly Credential[] }
): void {
  app.addHook('onRoute', route => {
    const security = anyOf(...credentials(String(route.method)))
    route.schema = { ...route.schema, security: route.schema?.security ?? security }
    route.config = { ...route.config, documentedHeaders: { ...headers, ...route.config?.documentedHeaders } }
  })
}

/** An entry for a route's `schema.security`: any one of these is enough. */
export function anyOf(...credentials: readonly Credential[]): NonNullable<FastifySchema['security']> {
  return credentials.map(credential => ({ [credential]: [] }))
}

/** The document's `components.securitySchemes`. */
export function securitySchemes(cookie: string | undefined): Record<string, SecurityScheme> {
  return {
    bearer: { type: 'http', scheme: 'bearer' },
    ...(cookie === undefined ? {} : { cookie: { type: 'apiKey', in: 'cookie', name: cookie } })
  }
}
type SecurityScheme = { type: 'http'; scheme: 'bearer' } | { type: 'apiKey'; in: 'cookie'; name: string }

/** A route's schema for the document: with its headers, and without credentials that this server does not know. */
export function withRequest(
  schema: FastifySchema | undefined,
  headers: DocumentedHeaders = {},
  schemes: Record<string, SecurityScheme> = {}
): FastifySchema {
  const own = (schema?.headers ?? {}) as { properties?: object; required?: string[] }
  const properties = { ...headers, ...own.properties }
  const security = schema?.security?.filter(group => Object.keys(group).every(name => Object.hasOwn(schemes, name)))
  return {
    ...schema,
    ...(Object.keys(properties).length > 0 ? { headers: { type: 'object', ...own, properties } } : {}),
    ...(security ? { security } : {})
  }
}
