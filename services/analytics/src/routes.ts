import {
  deadlineOf,
  documentedDeadline,
  documentProblems,
  documentRequests,
  problem,
  problemResponses
} from '@plimsoll/http'
import type { Clock } from '@plimsoll/resilience'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import {
  Dashboard,
  DashboardQuery,
  Projects,
  ProjectsQuery,
  RebuildBegun,
  RebuildOrder,
  Retention,
  RetentionQuery,
  Views
} from './contract.ts'
import type { Questions, Wish } from './questions.ts'
import type { Standing } from './views-standing.ts'

/** How long a question may take from its arrival, in milliseconds; less when its X-Request-Deadline says so. */
const requestMs = 10_000

export interface RoutesOptions {
  questions: Questions
  standing: Standing
  rebuild(names?: readonly string[]): Promise<string[]>
  mayRead(request: FastifyRequest, project: string): void
  clock: Clock
  onQuestion?: (() => void) | undefined
}

/** The dashboard API. */
export async function analyticsRoutes(
  app: FastifyInstance,
  { questions, standing, rebuild, mayRead, clock, onQuestion }: RoutesOptions
): Promise<void> {
  app.decorateRequest('deadline', 0)
  documentProblems(app, 400, 401, 503)
  documentRequests(app, { headers: documentedDeadline(requestMs), credentials: () => ['bearer', 'cookie'] })
  app.addHook('onRequest', async request => {
    onQuestion?.()
    request.deadline = deadlineOf(request, { clock, longestMs: requestMs })
  })
  const mayReadProject = (request: FastifyRequest, project: string) => {
    if (!/^[a-z0-9][a-z0-9_-]{0,63}$/.test(project))
      throw problem(400, 'invalid_project', 'There can be no project of this name.')
    mayRead(request, project)
  }

  app.get<{ Querystring: ProjectsQuery }>(
    '/v1/projects',
    { schema: { summary: 'Projects and their extent', querystring: ProjectsQuery, response: { 200: Projects } } },
    async request => {
      mayRead(request, '*')
      const given = await questions.projects(wishOf(request))
      return { projects: given.answer.content, freshness: questions.freshnessOf(given) }
    }
  )
  app.get<{ Querystring: DashboardQuery }>(
    '/v1/dashboard',
    {
      schema: {
        summary: 'Everything the dashboard shows',
        querystring: DashboardQuery,
        response: { 200: Dashboard }
      }
    },
    async request => {
      mayReadProject(request, request.query.project)
      const given = await questions.dashboard(request.query, wishOf(request))
      return { ...given.answer.content, freshness: questions.freshnessOf(given) }
    }
  )
  app.get<{ Querystring: RetentionQuery }>(
    '/v1/retention',
    {
      schema: {
        summary: 'Users who came back, by the week in which they were first seen',
        querystring: RetentionQuery,
        response: { 200: Retention }
      }
    },
    async request => {
      const { project, weeks = 12 } = request.query
      mayReadProject(request, project)
      const { refresher, ...given } = await questions.retention(project, weeks, wishOf(request))
      return {
        project,
        cohorts: given.answer.content,
        freshness: questions.freshnessOf(given, true),
        refresh: {
          everyMs: refresher.everyMs,
          lastAt: refresher.asOf === 0 ? null : new Date(refresher.asOf).toISOString(),
          tookMs: refresher.spent.lastMs
        }
      }
    }
  )
  app.get(
    '/v1/views',
    { schema: { summary: 'How each read model stands, and what it costs', response: { 200: Views } } },
    async request => {
      mayRead(request, '*')
      return standing.views()
    }
  )
  app.post<{ Body: RebuildOrder }>(
    '/v1/views/rebuild',
    {
      schema: {
        summary: 'Build read models anew from the log',
        description:
          'The live ones go on, and are replaced at once when the new ones hold all that they hold. How far it is: `GET /v1/views`.',
        body: RebuildOrder,
        response: { 202: RebuildBegun, ...problemResponses(404, 409) }
      }
    },
    async (request, reply) => {
      mayRead(request, '*')
      try {
        return await reply.code(202).send({ views: await rebuild(request.body.views) })
      } catch (error) {
        throw refusalOf(error)
      }
    }
  )
}

const refusals: Record<string, [status: 404 | 409, code: string]> = {
  PLIMSOLL_UNKNOWN_VIEW: [404, 'unknown_view'],
  PLIMSOLL_REBUILD_RUNNING: [409, 'rebuild_running'],
  PLIMSOLL_LOG_CUT: [409, 'log_cut']
}

function refusalOf(error: unknown): unknown {
  const { code = '', message } = error as { code?: string; message: string }
  const refusal = refusals[code]
  return refusal ? problem(...refusal, message) : error
}

const wishOf = ({ deadline, query }: FastifyRequest<{ Querystring: ProjectsQuery }>): Wish => ({
  deadline,
  ...(query.consistency && { consistency: query.consistency }),
  ...(query.minPosition && { minPosition: query.minPosition })
})
