import type { Cursor, LogEntry } from '@plimsoll/eventlog'
import { hash64 } from '@plimsoll/sketches'

/** `[startedAt, lastAt, open, tier, region, enrichment, userId]` of one visit, as the write side puts it into the log. */
export type Visit = readonly [number, number, 0 | 1, string, string, string, string]

export interface Use {
  /** The name it is counted under. */
  feature: string
  outcome: string | undefined
  durationMs: number | undefined
  status: number | undefined
}

/** What somebody sent. */
export interface Sent {
  time: number
  /** Of the session it belongs to, as known then. */
  region: string
  /** The user's name as a 64-bit hash in two unsigned halves, or null. */
  user: readonly [high: number, low: number] | null
  use: Use | undefined
}

/** One entry of the log as the views see it, read once for all of them. */
export interface Fact extends Cursor {
  project: string
  /** The visits that the entry took away, and those it put there. */
  before: readonly Visit[]
  after: readonly Visit[]
  /** Undefined where the system wrote by itself: that restates, but nobody sent it. */
  sent: Sent | undefined
}

const ownTypes = new Set(['session.enriched'])
const nobody: readonly Visit[] = []

/**
 * A session's entry carries its visits before and after, so it is counted by taking away the ones and adding the others: no
 * order of entries, and no state here, can change the sum.
 */
export function factsOf(entries: readonly LogEntry[], featureName: (project: string, name: string) => string): Fact[] {
  return entries.map(entry => {
    const { tenant: project, xid, position, time, subject } = entry
    const [told, now] = (entry.change ?? [null, null]) as [Told, Told]
    const [before, after] = [visitsIn(told), visitsIn(now)]
    if (ownTypes.has(entry.type)) return { project, xid, position, before, after, sent: undefined }
    const use = entry.type === 'feature.used' ? readUse(entry.data) : undefined
    if (use) use.feature = featureName(project, use.feature)
    const region = after[0]?.[4] ?? before[0]?.[4] ?? 'unknown'
    return { project, xid, position, before, after, sent: { time, region, user: hashed(subject), use } }
  })
}

type Told = Visit | readonly Visit[] | null

function visitsIn(told: Told): readonly Visit[] {
  if (told === null) return nobody
  return isVisit(told) ? [told] : told
}

const isVisit = (told: Visit | readonly Visit[]): told is Visit => typeof told[0] === 'number'

const halves = new Uint32Array(2)

function hashed(subject: string | null): Sent['user'] {
  if (subject === null) return null
  hash64(subject, halves)
  return [halves[0]!, halves[1]!]
}

/** The write side has checked these; what is not as it should be is left out rather than trusted. */
function readUse(data: unknown): Use | undefined {
  const { feature, outcome, durationMs, status } = (data ?? {}) as Partial<Record<keyof Use, unknown>>
  if (typeof feature !== 'string') return undefined
  return {
    feature,
    outcome: typeof outcome === 'string' ? outcome : undefined,
    durationMs:
      typeof durationMs === 'number' && durationMs >= 0 && Number.isFinite(durationMs) ? durationMs : undefined,
    status: typeof status === 'number' && status >= 100 && status < 600 ? status : undefined
  }
}
