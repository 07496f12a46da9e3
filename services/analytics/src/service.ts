import { type Database, keepHouse } from '@plimsoll/database'
import { Projection, type ProjectionState, stepBytes } from '@plimsoll/eventlog'
import { deadlineOf, documentedDeadline, documentProblems, documentRequests, problem } from '@plimsoll/http'
import { type Clock, systemClock } from '@plimsoll/resilience'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Answers, type Asked, type Given } from './answer/answers.ts'
import type { DashboardContent } from './answer/dashboard.ts'
import { askedFor, suggestedRange } from './answer/question.ts'
import { Dashboard, DashboardQuery, type Freshness, type ProjectSummary, Projects, ProjectsQuery } from './contract.ts'
import { migrateAnalytics, readCounted, readProjects } from './store.ts'

/** Tables whose rows are written over and over. */
const rewrittenTables = ['session_stats', 'session_activity', 'feature_stats', 'use_stats', 'projects']
  .map(name => `analytics.${name}`)
  .concat('eventlog_cursors.cursors')

/** How long a question may take from its arrival, in milliseconds; less when its X-Request-Deadline says so. */
const requestMs = 10_000

/** What runs beside the read store's engine. */
const applyProcedure = new URL('./apply-procedure.ts', import.meta.url)
const dashboardProcedure = new URL('./dashboard-procedure.ts', import.meta.url)

export interface AnalyticsOptions {
  /** Where the log is. */
  log: Database
  /** The read side's own store. */
  store: Database
  /** Resolves when the request may read `project`; throws a problem when it may not. */
  mayRead(request: FastifyRequest, project: string): void
  /** The time of day. Default `Date.now`. */
  now?(): number
  /** By which requests are given up. Default `systemClock`. */
  clock?: Clock
  onError?(error: unknown): void
}

export interface Analytics {
  routes(app: FastifyInstance): Promise<void>
  /** Starts following the log. */
  start(): void
  /** Resolves once everything committed before the call is in the read models. */
  settled(): Promise<void>
  readonly state: ProjectionState
  /** Accepted events of a project that are counted here; null when the store cannot be asked. */
  counted(project: string): Promise<number | null>
  /** The projects and their extent, as the last good answer has them. */
  projects(): Promise<ProjectSummary[]>
  stop(): Promise<void>
}

interface Made<T> {
  content: T
  unknownShare: number
  /** State of the projection when the answer was made. */
  at: ProjectionState
}

export async function createAnalytics(options: AnalyticsOptions): Promise<Analytics> {
  const { log, store, mayRead, onError, now = Date.now, clock = systemClock } = options
  await migrateAnalytics(store)
  const projection = new Projection({
    name: 'analytics',
    log,
    store,
    advance: step => store.call(applyProcedure, stepBytes(step)),
    // Fewer, larger steps: what a step costs is the rows it touches, hardly the entries it counts.
    batch: 4_000,
    paceMs: 300,
    now,
    ...(onError ? { onError } : {})
  })
  let stopHousekeeping = () => {}
  const answers = new Answers<Made<unknown>>({ now, clock })

  const freshnessOf = ({ answer, madeAt, stale }: Given<Made<unknown>>): Freshness => {
    const { at, unknownShare } = answer
    const current = projection.state
    const moved = current.cursor.position !== at.cursor.position || current.cursor.xid !== at.cursor.xid
    const asOf = at.caughtUp ? Math.min(at.asOf, madeAt) : at.asOf
    const lagMs = moved || stale ? Math.max(0, now() - asOf) : current.lagMs
    return { asOf: new Date(asOf).toISOString(), lagMs, complete: at.caughtUp, unknownShare, stale }
  }

  const projects = async (asked: Asked = {}): Promise<Given<Made<ProjectSummary[]>>> =>
    (await answers.give(
      'projects',
      async () => {
        const at = projection.state
        const rows = await readProjects(store)
        return {
          at,
          unknownShare: 0,
          content: rows.map(row => {
            const range = suggestedRange(row.first_event.getTime(), row.last_event.getTime(), now())
            return {
              project: row.project,
              sessions: row.sessions,
              events: row.counted,
              firstEvent: row.first_event.toISOString(),
              lastEvent: row.last_event.toISOString(),
              suggestedRange: { from: new Date(range.from).toISOString(), to: new Date(range.to).toISOString() }
            }
          })
        }
      },
      asked
    )) as Given<Made<ProjectSummary[]>>

  const suggested = async (project: string, asked: Asked) => {
    const summary = (await projects(asked)).answer.content.find(p => p.project === project)
    if (!summary) return suggestedRange(null, null, now())
    return { from: Date.parse(summary.suggestedRange.from), to: Date.parse(summary.suggestedRange.to) }
  }

  return {
    async routes(app) {
      app.decorateRequest('deadline', 0)
      documentProblems(app, 400, 401, 503)
      documentRequests(app, { headers: documentedDeadline(requestMs), credentials: () => ['bearer', 'cookie'] })
      app.addHook('onRequest', async request => {
        request.deadline = deadlineOf(request, { clock, longestMs: requestMs })
      })
      app.get<{ Querystring: ProjectsQuery }>(
        '/v1/projects',
        { schema: { summary: 'Projects and their extent', querystring: ProjectsQuery, response: { 200: Projects } } },
        async request => {
          mayRead(request, '*')
          const given = await projects(askedBy(request))
          return { projects: given.answer.content, freshness: freshnessOf(given) }
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
          const { query } = request
          if (!/^[a-z0-9][a-z0-9_-]{0,63}$/.test(query.project))
            throw problem(400, 'invalid_project', 'There can be no project of this name.')
          mayRead(request, query.project)
          const complete = query.from !== undefined && query.to !== undefined
          const asked = askedBy(request)
          const question = askedFor(query, complete ? { from: 0, to: 0 } : await suggested(query.project, asked))

          const make = async () => {
            const at = projection.state
            const { unknownShare, ...content } = await store.call<DashboardContent>(dashboardProcedure, {
              question,
              now: now()
            })
            return { at, unknownShare, content }
          }
          const given = await answers.give(JSON.stringify(question), make, asked)
          return { ...(given.answer.content as Omit<Dashboard, 'freshness'>), freshness: freshnessOf(given) }
        }
      )
    },
    start() {
      projection.start()
      stopHousekeeping = keepHouse(store, rewrittenTables, onError ? { onError } : {})
    },
    settled: () => projection.settled(),
    get state() {
      return projection.state
    },
    counted: project => readCounted(store, project).catch(() => null),
    projects: async () => (await projects()).answer.content,
    stop() {
      stopHousekeeping()
      return projection.stop()
    }
  }
}

const askedBy = ({ deadline, query }: FastifyRequest<{ Querystring: ProjectsQuery }>): Asked => ({
  deadline,
  renew: query.consistency === 'latest'
})
