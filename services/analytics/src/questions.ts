import type { Database } from '@plimsoll/database'
import { type Cursor, headOf, isAfter, type ProjectionState } from '@plimsoll/eventlog'
import type { Clock } from '@plimsoll/resilience'
import { Answers, type Given } from './answer/answers.ts'
import type { DashboardContent } from './answer/dashboard.ts'
import { askedFor, suggestedRange } from './answer/question.ts'
import { type Cohorts, readRetention } from './answer/retention.ts'
import { type Demand, demandedPosition, headUnknown, notInTheLog, notReached, positionText } from './consistency.ts'
import type { DashboardQuery, Freshness, ProjectSummary } from './contract.ts'
import type { Follower } from './follower.ts'
import type { Keep } from './grains.ts'
import type { Refresher } from './refresher.ts'
import { readProjects } from './store.ts'
import { reaches } from './views/registry.ts'
import type { Standing } from './views-standing.ts'

export interface Made<T> {
  content: T
  unknownShare: number
  /** State of the views when the answer was made. */
  at: ProjectionState
  frozenAt: number | undefined
}

export interface QuestionsOptions {
  log: Database
  store: Database
  follower: Follower
  refreshers: readonly Refresher[]
  standing: Standing
  keep: Keep
  now(): number
  clock: Clock
}

/** What one caller wants: how new, and by when (an instant of the clock). */
export interface Wish extends Demand {
  deadline?: number
}

const dashboardProcedure = new URL('./dashboard-procedure.ts', import.meta.url)

/** Every question that the read side answers, with what the caller demands of the answer's freshness. */
export class Questions {
  readonly #options: QuestionsOptions
  readonly #answers: Answers<Made<unknown>>

  constructor(options: QuestionsOptions) {
    this.#options = options
    this.#answers = new Answers<Made<unknown>>({ now: options.now, clock: options.clock })
  }

  projects(wish: Wish = {}): Promise<Given<Made<ProjectSummary[]>>> {
    const { store, now } = this.#options
    return this.#give('projects', wish, async () => {
      const rows = await readProjects(store)
      return {
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
    })
  }

  async dashboard(query: DashboardQuery, wish: Wish): Promise<Given<Made<Omit<DashboardContent, 'unknownShare'>>>> {
    const { store, keep, now } = this.#options
    const complete = query.from !== undefined && query.to !== undefined
    const suggested = complete ? { from: 0, to: 0 } : await this.#suggested(query.project, wish)
    const question = askedFor(query, suggested, now() - keep.hoursMs)
    return this.#give(JSON.stringify(question), wish, async () => {
      const { unknownShare, ...content } = await store.call<DashboardContent>(dashboardProcedure, {
        question,
        now: now()
      })
      return { unknownShare, content }
    })
  }

  /** A periodic view: who demands a position that it does not hold has it refreshed. */
  async retention(
    project: string,
    weeks: number,
    wish: Wish
  ): Promise<Given<Made<Cohorts>> & { refresher: Refresher }> {
    const { store, refreshers } = this.#options
    const refresher = refreshers.find(({ view }) => view === 'retention_by_week')!
    const make = async () => ({ unknownShare: 0, content: await readRetention(store, project, weeks) })
    const given = await this.#give(`retention/${project}/${weeks}`, wish, make, refresher)
    return { ...given, refresher }
  }

  /** How fresh an answer is, judged when it is given. */
  freshnessOf({ answer, madeAt, stale }: Given<Made<unknown>>, refreshed = false): Freshness {
    const { follower, now } = this.#options
    const { at, unknownShare, frozenAt } = answer
    const current = follower.state
    const moved = current.cursor.position !== at.cursor.position || current.cursor.xid !== at.cursor.xid
    const known = at.caughtUp && !refreshed ? Math.min(at.asOf, madeAt) : at.asOf
    const asOf = Math.min(known, frozenAt ?? Number.POSITIVE_INFINITY)
    const lagMs = moved || stale || refreshed || frozenAt !== undefined ? Math.max(0, now() - asOf) : current.lagMs
    return {
      asOf: new Date(asOf).toISOString(),
      lagMs,
      complete: at.caughtUp && at.asOf > 0 && frozenAt === undefined,
      unknownShare,
      stale,
      position: positionText(at.cursor)
    }
  }

  async #suggested(project: string, wish: Wish) {
    const summary = (await this.projects(wish)).answer.content.find(p => p.project === project)
    if (!summary) return suggestedRange(null, null, this.#options.now())
    return { from: Date.parse(summary.suggestedRange.from), to: Date.parse(summary.suggestedRange.to) }
  }

  async #give<T>(
    question: string,
    { deadline = Number.POSITIVE_INFINITY, ...demand }: Wish,
    make: () => Promise<{ content: T; unknownShare: number }>,
    refresher?: Refresher
  ): Promise<Given<Made<T>>> {
    const { follower, standing } = this.#options
    const demanded = await demandedPosition(demand, () => this.#head(deadline))
    const cursorNow = () => refresher?.cursor ?? follower.state.cursor
    if (demanded) await this.#reach(demanded, deadline, refresher)
    const given = (await this.#answers.give(
      question,
      async () => {
        const at = follower.state
        const stand = refresher ? { ...at, asOf: refresher.asOf, cursor: refresher.cursor } : at
        return { at: stand, frozenAt: standing.frozenAt(), ...(await make()) }
      },
      {
        deadline,
        renew: demanded !== undefined || demand.consistency === 'latest',
        ...(demanded && demand.consistency !== 'latest' && { holds: made => holds(made, demanded) })
      }
    )) as Given<Made<T>>
    if (demanded && !holds(given.answer, demanded)) throw notReached(demanded, cursorNow(), follower.state.lagMs)
    return given
  }

  async #reach(demanded: Cursor, deadline: number, refresher: Refresher | undefined): Promise<void> {
    const { follower, clock } = this.#options
    if (!(await follower.reach(demanded, clock.now()))) {
      // A log that cannot be asked may hold it.
      const head = await this.#head(deadline).catch(() => undefined)
      if (head && isAfter(demanded, head)) throw notInTheLog(demanded, head)
    }
    const reached = await follower.reach(demanded, deadline)
    if (!reached) throw notReached(demanded, follower.state.cursor, follower.state.lagMs)
    if (refresher && !(await this.#within(refresher.reach(demanded), deadline))) {
      throw notReached(demanded, refresher.cursor, follower.state.lagMs)
    }
  }

  async #head(deadline: number): Promise<Cursor> {
    const head = headOf(this.#options.log).catch(() => undefined)
    let found: Cursor | undefined
    const told = await this.#within(
      head.then(cursor => {
        found = cursor
      }),
      deadline
    )
    if (!found) throw headUnknown(!told)
    return found
  }

  /** False when it is not done by the deadline; it goes on. */
  #within(work: Promise<unknown>, deadline: number): Promise<boolean> {
    const { clock } = this.#options
    return new Promise((resolve, reject) => {
      const leftMs = deadline - clock.now()
      if (leftMs <= 0) return resolve(false)
      const timer = Number.isFinite(leftMs) ? clock.setTimer(() => resolve(false), leftMs) : undefined
      work.then(() => resolve(true), reject).finally(() => timer !== undefined && clock.clearTimer(timer))
    })
  }
}

/** A view whose declaration is gone holds nothing of what has been demanded since. */
const holds = ({ at, frozenAt }: Made<unknown>, demanded: Cursor) =>
  frozenAt === undefined && reaches(at.cursor, demanded)
