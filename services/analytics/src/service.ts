import { type Database, keepHouse } from '@plimsoll/database'
import { type ProjectionState, SharedLog } from '@plimsoll/eventlog'
import { type Clock, systemClock } from '@plimsoll/resilience'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ProjectSummary, Views } from './contract.ts'
import { Follower } from './follower.ts'
import { defaultKeep, type Keep, keepGrains } from './grains.ts'
import { Questions } from './questions.ts'
import { Refresher } from './refresher.ts'
import { analyticsRoutes } from './routes.ts'
import { holdsLess, migrateAnalytics, readCounted } from './store.ts'
import { declaredViews } from './views/declared.ts'
import { prepareRebuild, prepareViews, swap } from './views/rebuild.ts'
import { readRefreshes } from './views/refresh.ts'
import { readRegistry } from './views/registry.ts'
import { tableName, type View } from './views/view.ts'
import { standingOf } from './views-standing.ts'

export interface AnalyticsOptions {
  /** Where the log is. */
  log: Database
  /** Reads it for others too. Default: it is read for this service alone. */
  shared?: SharedLog
  /** The read side's own store. */
  store: Database
  /** Resolves when the request may read `project`; throws a problem when it may not. */
  mayRead(request: FastifyRequest, project: string): void
  /**
   * How many share the log between them, each with rows of its own. Default 1, which is all an embedded store can use. It may
   * be changed while the read side stands at the end of the log.
   */
  parts?: number
  /** How long fine rows are kept. */
  keep?: Keep
  /** Other views than the declared ones, and the module whose procedure changes them (`viewsProcedure`). */
  views?: { declared: readonly View[]; procedure: URL }
  /** The time of day. Default `Date.now`. */
  now?(): number
  /** By which requests are given up and refreshes begun. Default `systemClock`. */
  clock?: Clock
  onError?(error: unknown): void
  /** Called as each question comes. */
  onQuestion?(): void
}

export interface Analytics {
  routes(app: FastifyInstance): Promise<void>
  /** Starts following the log. */
  start(): void
  /** Resolves once everything committed before the call is in the views that are kept up by every event. */
  settled(): Promise<void>
  readonly state: ProjectionState
  /** How each view stands: how old, at what cost, and what is being built. */
  views(): Views
  /**
   * Builds views anew from the beginning of the log, all of them when none is named, and puts them in the place of the live
   * ones, which go on until then. Resolves with their names when it has begun.
   * @throws UnknownViewError, RebuildRunningError; LogCutError when the log no longer holds all that the live ones count
   */
  rebuild(names?: readonly string[]): Promise<string[]>
  /** Accepted events of a project that are counted here; null when the store cannot be asked. */
  counted(project: string): Promise<number | null>
  /** The projects and their extent, as the last good answer has them. */
  projects(): Promise<ProjectSummary[]>
  stop(): Promise<void>
}

/** Views cannot be built anew, since the log has lost some of what the live ones count. These go on, or stay as they are. */
export class LogCutError extends Error {
  override readonly name = 'LogCutError'
  readonly code = 'PLIMSOLL_LOG_CUT'

  constructor(views: readonly string[]) {
    super(
      `${views.join(', ')}: not built in the new version, because the log has been cut (keepEventsDays) and no longer holds all that the live rows count`
    )
  }
}

export class UnknownViewError extends Error {
  override readonly name = 'UnknownViewError'
  readonly code = 'PLIMSOLL_UNKNOWN_VIEW'
}

export class RebuildRunningError extends Error {
  override readonly name = 'RebuildRunningError'
  readonly code = 'PLIMSOLL_REBUILD_RUNNING'

  constructor() {
    super('views are being built already; ask again when that is done')
  }
}

const own = { declared: declaredViews, procedure: new URL('./views-procedure.ts', import.meta.url) }

export async function createAnalytics(options: AnalyticsOptions): Promise<Analytics> {
  const {
    log,
    shared = new SharedLog(log),
    store,
    onError,
    parts = 1,
    keep = defaultKeep,
    now = Date.now,
    clock = systemClock
  } = options
  const { declared, procedure } = options.views ?? own
  await migrateAnalytics(store)
  const due = await store.transaction(tx => prepareViews(tx, declared, parts))
  // What another process had built to the end needs only to be put in place.
  const built = due.length > 0 && (await store.transaction(tx => swap(tx, declared)))
  const cut = due.length > 0 && !built && (await holdsLess(log, store))
  if (cut) onError?.(new LogCutError(due.map(({ name }) => name)))
  const registry = await readRegistry(store)
  const last = await readRefreshes(store)
  const follower = new Follower({
    log: shared,
    store,
    procedure,
    parts,
    due: built || cut ? [] : due,
    now,
    clock,
    onError
  })
  const refreshers = declared.flatMap(({ name: view, refresh }) =>
    refresh.mode === 'periodic'
      ? [
          new Refresher({
            follower,
            view,
            everyMs: refresh.everyMs,
            last: last.find(({ name }) => name === view),
            now,
            clock,
            onError
          })
        ]
      : []
  )
  follower.onStep = () => {
    for (const refresher of refreshers) refresher.stepped()
  }
  const standing = standingOf({ declared, registry, follower, refreshers, cut, now })
  const questions = new Questions({ log, store, follower, refreshers, standing, keep, now, clock })
  const stops: (() => void)[] = []

  const rebuild = async (names: readonly string[] = []) => {
    const unknown = names.filter(name => !declared.some(view => view.name === name))
    if (unknown.length > 0) throw new UnknownViewError(`there is no view named ${unknown.join(', ')}`)
    const views = declared.filter(({ name }) => names.length === 0 || names.includes(name))
    if (follower.rebuild) throw new RebuildRunningError()
    if (await holdsLess(log, store)) throw new LogCutError(views.map(({ name }) => name))
    if (!(await store.transaction(tx => prepareRebuild(tx, views)))) throw new RebuildRunningError()
    follower.build(views)
    return views.map(({ name }) => name)
  }

  return {
    routes: app =>
      analyticsRoutes(app, {
        questions,
        standing,
        rebuild,
        mayRead: options.mayRead,
        clock,
        onQuestion: options.onQuestion
      }),
    rebuild,
    start() {
      follower.start()
      for (const refresher of refreshers) refresher.start()
      stops.push(keepHouse(store, rewrittenBy(declared), onError ? { onError } : {}))
      stops.push(keepGrains({ store, keep, now, clock, onError }))
    },
    settled: () => follower.settled(),
    get state() {
      return follower.state
    },
    views: () => standing.views(),
    counted: project => readCounted(store, project).catch(() => null),
    projects: async () => (await questions.projects()).answer.content,
    async stop() {
      for (const stop of stops.splice(0)) stop()
      await Promise.all([...refreshers, follower].map(one => one.stop()))
    }
  }
}

/** Tables whose rows are written over and over. */
const rewrittenBy = (declared: readonly View[]) =>
  declared.flatMap(({ tables }) => tables.map(({ name }) => tableName(name))).concat('eventlog_cursors.cursors')
