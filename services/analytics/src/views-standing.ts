import { positionText } from './consistency.ts'
import type { ViewStanding, Views } from './contract.ts'
import type { Follower } from './follower.ts'
import type { Refresher } from './refresher.ts'
import type { Registered } from './views/registry.ts'
import type { View } from './views/view.ts'

export interface StandingOptions {
  declared: readonly View[]
  /** As it was when the service began: only a rebuild changes it since. */
  registry: readonly Registered[]
  follower: Follower
  refreshers: readonly Refresher[]
  /** What should be built cannot be: what is frozen stays so. */
  cut: boolean
  now(): number
}

export interface Standing {
  views(): Views
  /** Since when nothing is added to some view that the dashboard shows; undefined while all are kept up. */
  frozenAt(): number | undefined
}

/** How each view stands. */
export function standingOf({ declared, registry, follower, refreshers, cut, now }: StandingOptions): Standing {
  const live = new Map(registry.filter(one => one.live).map(one => [one.name, one]))
  const frozen = (view: View) => (follower.rebuild || cut ? live.get(view.name)?.frozenAt?.getTime() : undefined)

  const one = (view: View): ViewStanding => {
    const { name, refresh, key } = view
    const { asOf, lagMs } = follower.state
    const refresher = refreshers.find(each => each.view === name)
    const building = follower.rebuild?.views.includes(name) ?? false
    const since = frozen(view)
    const at = Math.min(refresher?.asOf ?? asOf, since ?? Number.POSITIVE_INFINITY)
    const steps = follower.costs.of(name)
    const { entries } = follower.costs
    return {
      name,
      version: building ? (live.get(name)?.version ?? 0) : view.version,
      key: [...key],
      mode: refresh.mode,
      ...(refresh.mode === 'periodic' && { everyMs: refresh.everyMs }),
      asOf: new Date(at).toISOString(),
      stalenessMs: refresher || since !== undefined ? Math.max(0, now() - at) : lagMs,
      cost: {
        steps: steps.times,
        stepMs: steps.ms,
        msPerThousandEntries: entries === 0 ? null : (steps.ms / entries) * 1_000,
        refreshes: refresher?.spent.times ?? 0,
        refreshMs: refresher?.spent.ms ?? 0,
        lastRefreshMs: refresher?.spent.lastMs ?? 0
      },
      state: since !== undefined ? 'frozen' : building ? 'building' : 'live'
    }
  }

  return {
    frozenAt() {
      const times = declared.map(frozen).filter(at => at !== undefined)
      return times.length === 0 ? undefined : Math.min(...times)
    },
    views() {
      const { cursor, lagMs } = follower.state
      const { rebuild } = follower
      // Positions are nearly as many as entries: gaps are of transactions that failed.
      const left = rebuild && Math.max(0, cursor.position - rebuild.cursor.position)
      return {
        views: declared.map(one),
        lagMs,
        position: positionText(cursor),
        rebuild: rebuild
          ? {
              views: rebuild.views,
              applied: rebuild.applied,
              perSecond: rebuild.perSecond,
              secondsLeft: rebuild.perSecond > 0 ? left! / rebuild.perSecond : null
            }
          : null
      }
    }
  }
}
