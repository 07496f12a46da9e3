import type { LogEntry } from '@plimsoll/eventlog'
import { distinct, histogram } from '@plimsoll/sketches'
import { bucketOf } from './buckets.ts'
import { Deltas } from './deltas.ts'
import { rollUp } from './roll-up.ts'

/** `[startedAt, lastAt, open, tier, region, enrichment, userId]` of one visit, as the write side puts it into the log. */
type Summary = [number, number, 0 | 1, string, string, string, string]

/** Entries that the system wrote by itself; they restate, but nobody sent them. */
const ownTypes = new Set(['session.enriched'])

/**
 * What these entries add to the read models. A session's entry carries its visits before and after, so it is counted by
 * taking away the ones and adding the others: no order of entries, and no state here, can change the sum.
 */
export function foldEntries(
  entries: readonly LogEntry[],
  featureName: (project: string, name: string) => string
): Deltas {
  const deltas = new Deltas()
  for (const entry of entries) {
    const [before, after] = ((entry.change ?? [null, null]) as [Told, Told]).map(visitsIn) as [Summary[], Summary[]]
    for (const visit of before) foldVisit(deltas, entry.tenant, visit, -1)
    for (const visit of after) foldVisit(deltas, entry.tenant, visit, 1)
    const project = deltas.project(entry.tenant)
    project.sessions += after.length - before.length
    if (ownTypes.has(entry.type)) continue
    project.counted++
    project.first = Math.min(project.first, entry.time)
    project.last = Math.max(project.last, entry.time)
    foldUse(deltas, entry, after[0]?.[4] ?? before[0]?.[4] ?? 'unknown', featureName)
  }
  rollUp(deltas)
  return deltas
}

type Told = Summary | Summary[] | null

function visitsIn(told: Told): Summary[] {
  if (told === null) return []
  return isSummary(told) ? [told] : told
}

const isSummary = (told: Summary | Summary[]): told is Summary => typeof told[0] === 'number'

function foldVisit(deltas: Deltas, project: string, visit: Summary, sign: 1 | -1): void {
  const [startedAt, lastAt, open, tier, region] = visit
  deltas.session(deltas.started, project, 'h', bucketOf('h', startedAt), tier, region, sign, 0)
  deltas.session(deltas.active, project, 'm', bucketOf('m', lastAt), tier, region, sign, open * sign)
}

function foldUse(
  deltas: Deltas,
  entry: LogEntry,
  region: string,
  featureName: (project: string, name: string) => string
): void {
  const use = entry.type === 'feature.used' ? readUse(entry.data) : undefined
  const feature = use && featureName(entry.tenant, use.feature)
  const bucket = bucketOf('h', entry.time)
  const all = deltas.use(entry.tenant, 'h', bucket, region)
  if (entry.subject !== null) distinct.addString(all.users, entry.subject)
  if (!use || feature === undefined) return
  const one = deltas.feature(entry.tenant, 'h', bucket, region, feature)
  if (entry.subject !== null) distinct.addString(one.users, entry.subject)
  if (use.status !== undefined) all.statuses[Math.floor(use.status / 100) - 1]!++
  for (const row of [all, one]) {
    row.uses++
    if (use.outcome === 'client_error') row.client_errors++
    else if (use.outcome === 'server_error') row.server_errors++
    if (use.durationMs !== undefined) histogram.record(row.latency, use.durationMs)
  }
}

interface Use {
  feature: string
  outcome?: string
  durationMs?: number
  status?: number
}

/** The write side has checked these; what is not as it should be is left out rather than trusted. */
function readUse(data: unknown): Use | undefined {
  const { feature, outcome, durationMs, status } = (data ?? {}) as Partial<Record<keyof Use, unknown>>
  if (typeof feature !== 'string') return undefined
  return {
    feature,
    ...(typeof outcome === 'string' ? { outcome } : {}),
    ...(typeof durationMs === 'number' && durationMs >= 0 && Number.isFinite(durationMs) ? { durationMs } : {}),
    ...(typeof status === 'number' && status >= 100 && status < 600 ? { status } : {})
  }
}
