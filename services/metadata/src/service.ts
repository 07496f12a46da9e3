import { DatabaseClosedError, isUnavailable } from '@plimsoll/database'
import type { TypeBoxProvider } from '@plimsoll/http'
import {
  bearer,
  deadlineOf,
  installProblemHandler,
  Problem,
  problem,
  problemServerOptions,
  sameSecret
} from '@plimsoll/http'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyRequest, LogController } from 'fastify'
import { type Clock, systemClock } from './clock.ts'
import { BatchAnswer, BatchRequest, FaultSettings, UserAnswer, UserMetadata, UserParams } from './contract.ts'
import { DirectoryFull, type UserDirectory } from './directory.ts'
import { Faults } from './faults.ts'
import { UserRegistered } from './users/registered-users.ts'

export interface MetadataServiceOptions {
  directory: UserDirectory
  /** Opens the writing routes and the fault knobs; without it there are none. */
  adminToken?: string
  /** Adds `/admin/faults`, for drills. Needs `adminToken`. Default false. */
  faultKnobs?: boolean
  clock?: Clock
  /** Default: no log. */
  logger?: FastifyBaseLogger
}

/**
 * The internal API that says which plan tier, region and feature flags a user has. Reading asks for no token: it is meant
 * for the platform's own network.
 * @throws {TypeError} when the fault knobs are asked for without a token to guard them
 */
export function createMetadataService(options: MetadataServiceOptions): FastifyInstance {
  const { directory, adminToken, faultKnobs = false, clock = systemClock, logger } = options
  if (faultKnobs && !adminToken) throw new TypeError('faultKnobs needs an adminToken to guard them')

  const app = Fastify({
    ...problemServerOptions,
    ...(logger && { loggerInstance: logger }),
    logController: new LogController({ disableRequestLogging: true }),
    // 200 characters, each of up to four bytes and so up to twelve characters in a path.
    routerOptions: { maxParamLength: 2400 },
    // A body says what it means: nothing is turned into another type or dropped.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } }
  })
  installProblemHandler(app)

  const faults = new Faults(clock)
  app.addHook('preClose', async () => faults.close())
  app.register(async api => readingRoutes(api, directory, clock, faults))
  if (adminToken) {
    app.register(async admin => {
      admin.addHook('onRequest', async request => requireToken(request, adminToken))
      writingRoutes(admin, directory)
      if (faultKnobs) faultRoutes(admin, faults)
    })
  }
  return app
}

function readingRoutes(app: FastifyInstance, directory: UserDirectory, clock: Clock, faults: Faults): void {
  app.decorateRequest('deadline', 0)
  app.addHook('onRequest', async request => {
    request.deadline = deadlineOf(request, { clock, longestMs: Number.POSITIVE_INFINITY })
    requireTime(request, clock)
  })
  app.addHook('preHandler', async (request, reply) => {
    if (!(await faults.strike(reply))) return reply
    requireTime(request, clock)
  })

  const typed = app.withTypeProvider<TypeBoxProvider>()
  typed.get(
    '/v1/users/:id/metadata',
    { schema: { params: UserParams, response: { 200: UserAnswer } } },
    async ({ params }) => {
      const metadata = (await directory.lookup([params.id]).catch(asProblem)).get(params.id)
      if (!metadata) throw userNotFound()
      return { userId: params.id, ...metadata }
    }
  )
  typed.post(
    '/v1/users/metadata',
    // 1000 ids of 200 characters, each written as a six-character escape at worst.
    { bodyLimit: 2_000_000, schema: { body: BatchRequest, response: { 200: BatchAnswer } } },
    async ({ body }) => {
      const ids = [...new Set(body.ids)]
      const found = await directory.lookup(ids).catch(asProblem)
      const users = [...found].filter((user): user is [string, UserMetadata] => user[1] !== null)
      return { users: Object.fromEntries(users), absent: ids.filter(id => !found.get(id)) }
    }
  )
}

function writingRoutes(app: FastifyInstance, directory: UserDirectory): void {
  const typed = app.withTypeProvider<TypeBoxProvider>()
  const { put, remove } = directory
  if (put !== undefined) {
    const schema = { params: UserParams, body: UserMetadata, response: { 200: UserAnswer } }
    typed.put('/v1/users/:id/metadata', { schema }, async ({ params, body }) => {
      await put.call(directory, params.id, body).catch(asProblem)
      return { userId: params.id, ...body }
    })
  }
  if (remove !== undefined) {
    typed.delete('/v1/users/:id/metadata', { schema: { params: UserParams } }, async ({ params }, reply) => {
      if (!(await remove.call(directory, params.id).catch(asProblem))) throw userNotFound()
      return reply.code(204).send()
    })
  }
}

function faultRoutes(app: FastifyInstance, faults: Faults): void {
  const typed = app.withTypeProvider<TypeBoxProvider>()
  typed.get('/admin/faults', { schema: { response: { 200: FaultSettings } } }, async () => faults.settings)
  typed.put(
    '/admin/faults',
    { schema: { body: FaultSettings, response: { 200: FaultSettings } } },
    async ({ body }) => {
      faults.set(body)
      return faults.settings
    }
  )
}

function requireToken(request: FastifyRequest, adminToken: string): void {
  if (sameSecret(bearer(request) ?? '', adminToken)) return
  const detail = 'This needs the admin token in an Authorization: Bearer header.'
  throw new Problem(401, 'unauthorized', detail, { headers: { 'www-authenticate': 'Bearer' } })
}

function requireTime(request: FastifyRequest, clock: Clock): void {
  if (request.deadline <= clock.now()) throw problem(504, 'deadline_exceeded', 'Nobody waits for this answer any more.')
}

function userNotFound(): Problem {
  return problem(404, 'user_not_found', 'There is no metadata of this user.')
}

function asProblem(error: unknown): never {
  if (error instanceof DirectoryFull) throw problem(507, error.code, error.message)
  if (error instanceof UserRegistered) throw problem(409, error.code, error.message)
  if (error instanceof DatabaseClosedError || isUnavailable(error)) {
    const headers = { 'retry-after': '1' }
    throw new Problem(503, 'store_unavailable', 'The store of users cannot be reached. Ask again later.', { headers })
  }
  throw error
}
