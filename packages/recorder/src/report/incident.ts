import type { Diagnosis, Finding } from '../diagnosis/diagnosis.ts'
import { standingName } from '../diagnosis/standing.ts'
import type { Point } from '../diagnosis/timeline.ts'
import type { BlackBoxRecord, Occurrence } from '../record.ts'
import { bounds } from './bounds.ts'

/** What a report is made of: what is said, what it was read from, and the stretch of time that is looked at. */
export interface Incident {
  diagnosis: Diagnosis
  /** In the order of writing; what lies outside of the stretch is not shown. */
  records: readonly BlackBoxRecord[]
  /** Milliseconds since 1970. */
  from: number
  to: number
}

/** From when to when something was wrong; undefined where nothing was. One that goes on ends with what is looked at. */
export function faultOf({ diagnosis, to }: Incident): { since: number; until: number } | undefined {
  const { causes } = diagnosis
  if (causes.length === 0) return undefined
  const goOn = causes.filter(({ until }) => until === undefined)
  // What was over before is another incident.
  const all = (goOn.length > 0 ? goOn : causes).flatMap(withSymptoms)
  return {
    since: all.reduce((first, { since }) => Math.min(first, since), Number.POSITIVE_INFINITY),
    until: goOn.length > 0 ? to : causes.reduce((last, { until = to }) => Math.max(last, until), 0)
  }
}

function withSymptoms(finding: Finding): Finding[] {
  return [finding, ...finding.symptoms.slice(0, bounds.symptoms)]
}

/** The series that the evidence names, the first cause's first; occurrences are no series. */
export function seriesToDraw(incident: Incident): { name: string; points: readonly Point[] }[] {
  const named = new Set<string>()
  const collect = (findings: readonly Finding[], depth: number) => {
    for (const { evidence } of findings) for (const { series } of evidence) if (series !== undefined) named.add(series)
    if (depth < bounds.depth) for (const { symptoms } of findings) collect(symptoms, depth + 1)
  }
  collect(incident.diagnosis.causes, 1)
  // With nothing wrong there is still something to look at.
  if (named.size === 0)
    for (const usual of ['http.requests', 'http.p99', 'loop.delay.max', 'memory.rss']) named.add(usual)
  const drawn: { name: string; points: readonly Point[] }[] = []
  for (const name of named) {
    const points = seriesOf(incident, name)
    if (points.length > 1) drawn.push({ name, points })
    if (drawn.length === bounds.charts) break
  }
  return drawn
}

/** One series within the stretch, oldest first: the platform's own where it measured it, else the watcher's. */
export function seriesOf({ records, from, to }: Incident, name: string): Point[] {
  const points: Record<string, Point[]> = { platform: [], watcher: [] }
  for (const record of records) {
    if (record.kind !== 'sample' || record.at < from || record.at > to) continue
    const value = record.values[name]
    if (value !== undefined && Number.isFinite(value)) points[record.source]?.push({ at: record.at, value })
  }
  const { platform = [], watcher = [] } = points
  return (platform.length > 0 ? platform : watcher).sort((a, b) => a.at - b.at)
}

/** Something that happened, once or again and again, or a cause that began. */
export interface Mark {
  at: number
  /** When it happened for the last time, where it did more than once. */
  until?: number
  times: number
  happened: Occurrence | Finding
}

/** What is the same and comes again within this time is one line, in milliseconds. */
const againMs = 5_000

/** A fault that somebody made on purpose is not evidence of anything; and that a cause goes on is told with the cause. */
const silent = ['drill', standingName]

/**
 * What happened in the stretch, oldest first, the beginnings of the causes among it: at most so many, those nearest to the
 * beginning of what is to be dealt with first.
 */
export function marksOf(incident: Incident): { shown: Mark[]; leftOut: number } {
  const { records, from, to, diagnosis } = incident
  const inside = ({ at }: { at: number }) => at >= from && at <= to
  const all: Mark[] = diagnosis.causes
    .slice(0, bounds.causes)
    .map(cause => ({ at: cause.since, times: 1, happened: cause }))
    .filter(inside)
  const last = new Map<string, Mark>()
  for (const record of records) {
    if (record.kind !== 'occurrence' || silent.includes(record.name) || !inside(record)) continue
    const { name, source, subject, detail } = record
    const { count, ...rest } = detail ?? {}
    const key = JSON.stringify([name, source, subject, rest])
    const times = typeof count === 'number' && count > 1 ? count : 1
    const known = last.get(key)
    if (known && record.at - (known.until ?? known.at) <= againMs) {
      known.until = record.at
      known.times += times
    } else {
      const mark: Mark = { at: record.at, times, happened: record }
      last.set(key, mark)
      all.push(mark)
    }
  }
  const since = diagnosis.causes[0]?.since ?? to
  const shown = all
    .toSorted((a, b) => Math.abs(a.at - since) - Math.abs(b.at - since))
    .slice(0, bounds.marks)
    .sort((a, b) => a.at - b.at)
  return { shown, leftOut: all.length - shown.length }
}
