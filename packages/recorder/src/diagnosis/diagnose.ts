import type { BlackBoxRecord } from '../record.ts'
import { rules as knownRules } from '../rules/index.ts'
import { limits as knownLimits, type Limit } from '../rules/limits.ts'
import { causesOf, type Found } from './causes.ts'
import type { Diagnosis } from './diagnosis.ts'
import { nearestLimits } from './near-limit.ts'
import type { Rule } from './rule.ts'
import { timeline } from './span.ts'
import { stateOf, summaryOf } from './state.ts'
import type { Timeline } from './timeline.ts'

export interface DiagnoseOptions {
  /** Default: the table of this package. */
  rules?: readonly Rule[]
  /** What fills up. Default: the table of this package. */
  limits?: readonly Limit[]
  /** The moment that is judged, in milliseconds since 1970, when records are given. Default: that of the last of them. */
  at?: number
  /** For how long nothing was recorded after that, in milliseconds, where that is known: then nothing runs. */
  silentMs?: number
}

/**
 * What the records say. Pure: it reads no clock and no file, so the same records give the same diagnosis.
 * @param given records in the order of writing, or a timeline of them
 */
export function diagnose(given: Iterable<BlackBoxRecord> | Timeline, options: DiagnoseOptions = {}): Diagnosis {
  const { rules = knownRules, limits = knownLimits, at, silentMs } = options
  const seen = isTimeline(given) ? given : timeline(given, at === undefined ? {} : { at })
  const found = new Map<Rule, readonly Found[]>()
  const failedRules: { rule: string; message: string }[] = []
  for (const rule of rules) {
    try {
      found.set(
        rule,
        rule.find(seen).map(one => backdated(seen, rule, one))
      )
    } catch (error) {
      failedRules.push({ rule: rule.name, message: error instanceof Error ? error.message : String(error) })
    }
  }
  const causes = causesOf(rules, found, { from: seen.usual.from, at: seen.at })
  const near = nearestLimits(seen, limits)
  const lastHeard = lastHeardOf(seen)
  const state = stateOf(seen, { causes, lastHeard, silentMs })
  return {
    at: seen.at,
    state,
    summary: summaryOf(seen, { state, causes, limits: near, lastHeard, silentMs }),
    causes,
    limits: near,
    lastHeard,
    ...(failedRules.length > 0 && { failedRules })
  }
}

/** A look may find something in the first of the seconds it reads, and be a few of them late. In milliseconds. */
const edgeMs = 10_000

/** What already was when the records that are read begin has gone on since the noted moment. */
function backdated({ usual, standing }: Timeline, { name }: Rule, found: Found): Found {
  if (found.since > usual.from + edgeMs) return found
  const noted = standing.find(({ rule, subject }) => rule === name && subject === found.subject)
  return noted && noted.since < found.since ? { ...found, since: noted.since } : found
}

const isTimeline = (given: Iterable<BlackBoxRecord> | Timeline): given is Timeline => 'recent' in given

function lastHeardOf({ recent, usual }: Timeline): Diagnosis['lastHeard'] {
  const heard: Diagnosis['lastHeard'] = {}
  for (const source of ['platform', 'watcher'] as const) {
    const moments = [usual, recent].flatMap(span => [
      ...span.samples(source),
      ...span.occurrences().filter(one => one.source === source)
    ])
    const last = moments.reduce((latest, { at }) => Math.max(latest, at), Number.NEGATIVE_INFINITY)
    if (last > Number.NEGATIVE_INFINITY) heard[source] = last
  }
  return heard
}
