import type { Dashboard } from '@plimsoll/service-analytics/contract'
import type { KnownDashboard, KnownState } from '@plimsoll/service-watcher'

/** Of how many projects, those with the latest events; and how old an answer may become, in milliseconds. */
const most = 3
const everyMs = 10_000
const mostTiers = 8
const mostDays = 31
const mostFeatures = 8

/** The dashboard's answer to a project, or undefined where there is none now. */
export type AskDashboard = (project: string) => Promise<Dashboard | undefined>

/**
 * Keeps the last good answers of the dashboard for the watcher, which shows them when the platform is gone. It asks the
 * dashboard as a page does, now and then, and holds up nobody: a beat carries what there is.
 */
export class KnownDashboards {
  #ask: AskDashboard
  #now: () => number
  #known = new Map<string, KnownDashboard>()
  #askedAt = Number.NEGATIVE_INFINITY
  #asking: Promise<void> | undefined

  constructor(ask: AskDashboard, now: () => number = Date.now) {
    this.#ask = ask
    this.#now = now
  }

  /** What is known of these projects; asks again in the background when it is time. */
  of(projects: KnownState['projects']): KnownDashboard[] {
    const latest = projects
      .toSorted((a, b) => (b.lastEvent ?? '').localeCompare(a.lastEvent ?? ''))
      .slice(0, most)
      .map(({ project }) => project)
    if (!this.#asking && Math.abs(this.#now() - this.#askedAt) >= everyMs && latest.length > 0) {
      this.#askedAt = this.#now()
      this.#asking = this.#renew(latest).finally(() => {
        this.#asking = undefined
      })
    }
    // The projects could not be asked for: what was known last is better than nothing.
    return [...this.#known.values()]
  }

  /** Resolves once nothing is being asked. */
  async settled(): Promise<void> {
    await this.#asking
  }

  async #renew(projects: readonly string[]): Promise<void> {
    for (const project of projects) {
      const answer = await this.#ask(project).catch(() => undefined)
      // The last good answer is already here, with an age of its own.
      if (answer && !answer.freshness.stale) this.#known.set(project, cut(answer))
    }
    for (const project of this.#known.keys()) if (!projects.includes(project)) this.#known.delete(project)
  }
}

function cut({ project, range, freshness, active, sessions, features }: Dashboard): KnownDashboard {
  return {
    project,
    range: { from: range.from, to: range.to },
    asOf: freshness.asOf,
    complete: freshness.complete,
    active: { now: active.now, last24h: active.last24h },
    sessions: sessions.total,
    users: sessions.users,
    byTier: Object.entries(sessions.byTier)
      .sort(([, a], [, b]) => b - a)
      .slice(0, mostTiers)
      .map(([tier, count]) => [tier.slice(0, 64), count]),
    byDay: sessions.byDay.slice(-mostDays).map(({ day, sessions: count }) => [day, count]),
    features: features.slice(0, mostFeatures).map(({ feature, uses, users, errorRate, p95 }) => ({
      feature: feature.slice(0, 100),
      uses,
      users,
      errorRate,
      p95
    }))
  }
}
