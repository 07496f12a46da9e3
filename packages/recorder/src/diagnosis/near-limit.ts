import type { Limit } from '../rules/limits.ts'
import type { NearLimit } from './diagnosis.ts'
import type { Point, Timeline } from './timeline.ts'
import { trendOf } from './trend.ts'

/** How many are told. */
const told = 5
/** A trend that gets there later than this says nothing, in milliseconds: 30 days. */
const farthestMs = 30 * 86_400_000

/** What is nearest to its limit, the nearest first. What gets there soon at its trend comes before what is fuller. */
export function nearestLimits(timeline: Timeline, limits: readonly Limit[]): NearLimit[] {
  return limits
    .flatMap(limit => subjectsOf(timeline, limit).flatMap(subject => nearOf(timeline, limit, subject)))
    .toSorted((a, b) => urgency(b, timeline.at) - urgency(a, timeline.at))
    .slice(0, told)
}

function subjectsOf({ recent }: Timeline, { used }: Limit): readonly string[] {
  return used.includes('*') ? recent.subjects(used.slice(0, used.indexOf('.'))) : ['']
}

function nearOf(timeline: Timeline, entry: Limit, subject: string): NearLimit[] {
  const named = (text: string) => text.replace('*', subject)
  const { recent, usual, at } = timeline
  const points = recent.series(named(entry.used))
  const limit = typeof entry.limit === 'number' ? entry.limit : recent.series(named(entry.limit)).at(-1)?.value
  if (points.length === 0 || limit === undefined || !(limit > 0) || limit < (entry.least ?? 0)) return []
  const filled = (all: readonly Point[]) =>
    entry.isLeft ? all.map(point => ({ at: point.at, value: limit - point.value })) : all
  const level = entry.kind === 'level'
  const used = level ? filled(points).at(-1)!.value : medianOf(filled(points))
  // More is left than counts: it is near nothing.
  if (used < 0) return []
  const near: NearLimit = { what: named(entry.what), used, limit, unit: entry.unit, share: used / limit }
  if (!level || used >= limit) return [near]
  const slope = trendOf([...filled(usual.series(named(entry.used))), ...filled(points)])
  if (slope === undefined || slope <= 0) return [near]
  const leftMs = (limit - used) / slope
  return [leftMs <= farthestMs ? { ...near, reachedAt: at + leftMs } : near]
}

/** A tenth of the way for being full; the rest of it counts when it gets there within a day. */
function urgency({ share, reachedAt }: NearLimit, at: number): number {
  if (reachedAt === undefined) return share
  const hours = (reachedAt - at) / 3_600_000
  return Math.max(share, 1 / (1 + hours / 2))
}

function medianOf(points: readonly Point[]): number {
  const values = points.map(({ value }) => value).sort((a, b) => a - b)
  return values[values.length >> 1]!
}
