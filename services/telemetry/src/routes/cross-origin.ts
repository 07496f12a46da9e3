import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/** What pages of other origins may call. Nothing else says a word about origins, so browsers keep it to our own. */
const paths = ['/v1/events', '/v1/losses']

/**
 * Lets pages post events (the Fetch standard, "CORS protocol"). Any origin may by default: a key stands in the page for
 * all to read and can only write, and no cookie is taken (`*` forbids it), so a list would keep out nobody but browsers.
 */
export interface CrossOrigin {
  /** Puts the headers on an answer, whatever it will be. */
  allow(request: FastifyRequest, reply: FastifyReply): void
  isPreflight(request: FastifyRequest): boolean
}

export function crossOrigin(app: FastifyInstance, origins: readonly string[] | undefined): CrossOrigin {
  const allow = (request: FastifyRequest, reply: FastifyReply) => {
    if (!paths.includes(request.routeOptions.url ?? '')) return
    const { origin } = request.headers
    if (origins) reply.header('vary', 'Origin')
    if (origin === undefined || (origins && !origins.includes(origin))) return
    reply.header('access-control-allow-origin', origins ? origin : '*')
    reply.header('access-control-expose-headers', 'Retry-After, Date')
  }
  for (const path of paths) {
    app.options(path, { schema: { hide: true } }, async (_request, reply) => {
      reply.header('access-control-allow-methods', 'POST')
      reply.header('access-control-allow-headers', 'Authorization, Content-Type, Content-Encoding, X-Sent-At')
      // Two hours, the longest that every browser takes.
      reply.header('access-control-max-age', '7200')
      return reply.code(204).send()
    })
  }
  return {
    allow,
    isPreflight: request => request.method === 'OPTIONS' && paths.includes(request.routeOptions.url ?? '')
  }
}
