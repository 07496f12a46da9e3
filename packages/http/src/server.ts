import swagger from '@fastify/swagger'
import Fastify, { type FastifyInstance, type FastifyServerOptions, LogController } from 'fastify'
import { securitySchemes, withRequest } from './document-requests.ts'
import { installProblemHandler, problemServerOptions } from './fastify.ts'
import { giveUpHalfReceived } from './half-received.ts'
import { problemResponses, refusedByTheServer, responsesOf } from './problem-responses.ts'

export interface ServerOptions {
  /** Title and version of the OpenAPI document at `/openapi.json`. */
  title: string
  version: string
  /** Name of the cookie that proves who asks, for the document. Default: there is none. */
  cookie?: string
  logger?: FastifyServerOptions['loggerInstance']
  /** Largest body a route takes unless it says otherwise, in bytes. Default 100,000. */
  bodyLimit?: number
  /** A request whose headers and body take longer than this is refused with 408, in milliseconds. Default 15,000. */
  requestTimeoutMs?: number
  /** While closing, a request that has not come whole after so long is given up, in milliseconds. Default 2,000. */
  halfReceivedMs?: number
}

/** A Fastify server with the house's defaults: problems for errors, nothing coerced or dropped in bodies, all bounded. */
export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const app = Fastify({
    ...problemServerOptions,
    ...(options.logger ? { loggerInstance: options.logger } : {}),
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: options.bodyLimit ?? 100_000,
    requestTimeout: options.requestTimeoutMs ?? 15_000,
    keepAliveTimeout: 65_000,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 200 },
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, allErrors: false } }
  }) as unknown as FastifyInstance
  // Query strings are text, so numbers in them must be read from text; bodies say what they mean.
  coerceQueries(app)
  installProblemHandler(app)
  giveUpHalfReceived(app, options.halfReceivedMs ?? 2_000)
  const schemes = securitySchemes(options.cookie)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: options.title, version: options.version },
      components: { securitySchemes: schemes }
    },
    transform({ schema, url, route }) {
      const refused = problemResponses(...refusedByTheServer(schema, String(route.method)))
      // Without a success the document would not say that there can be one.
      const success = Object.keys(responsesOf(schema)).some(status => status < '4')
        ? {}
        : { 200: { description: 'Done' } }
      const asked = withRequest(schema, route.config?.documentedHeaders, schemes)
      return { schema: { ...asked, response: { ...success, ...refused, ...responsesOf(schema) } }, url }
    }
  })
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
  return app
}

function coerceQueries(app: FastifyInstance): void {
  app.addHook('onRoute', route => {
    const schema = (
      route.schema as { querystring?: { properties?: Record<string, { type?: string; default?: unknown }> } }
    )?.querystring
    const properties = schema?.properties
    if (!properties) return
    const numeric = Object.keys(properties).filter(
      name => properties[name]!.type === 'integer' || properties[name]!.type === 'number'
    )
    if (numeric.length === 0) return
    route.preValidation = [
      async (request: { query: unknown }) => {
        const query = request.query as Record<string, unknown>
        for (const name of numeric) {
          const value = query[name]
          if (typeof value === 'string' && value.trim() !== '' && !Number.isNaN(Number(value)))
            query[name] = Number(value)
        }
      },
      ...[route.preValidation ?? []].flat()
    ] as NonNullable<typeof route.preValidation>
  })
}
