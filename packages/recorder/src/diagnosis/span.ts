import type { BlackBoxRecord, Occurrence, Sample, Source } from '../record.ts'
import { pastOf, standingAt } from './standing.ts'
import type { Point, Span, Timeline } from './timeline.ts'

export interface TimelineOptions {
  /** The moment that is judged, in milliseconds since 1970. Default: that of the last record, else 0. */
  at?: number
  /** How long before `at` a cause is looked for, in milliseconds. Default 60,000. */
  recentMs?: number
  /** How long before that the records say what is usual, in milliseconds. Default 600,000. */
  usualMs?: number
}

/** The windows around a moment. Records keep the order in which they are given; those outside of both are left out. */
export function timeline(records: Iterable<BlackBoxRecord>, options: TimelineOptions = {}): Timeline {
  const { recentMs = 60_000, usualMs = 600_000 } = options
  const all = [...records]
  const at = options.at ?? all.reduce((latest, record) => Math.max(latest, record.at), 0)
  const from = at - recentMs
  const standing = standingAt(all, at)
  const before = pastOf(standing)
  const past: BlackBoxRecord[] = []
  const usual: BlackBoxRecord[] = []
  const recent: BlackBoxRecord[] = []
  for (const record of all) {
    if (record.at > at) continue
    if (record.at > from) recent.push(record)
    else if (record.at > from - usualMs) usual.push(record)
    else if (before && record.at >= before.from && record.at <= before.to) past.push(record)
  }
  return {
    at,
    recent: spanOf(recent, from, at),
    usual: spanOf(usual, from - usualMs, from),
    ...(before && past.length > 0 && { past: spanOf(past, before.from, before.to) }),
    standing
  }
}

/** A stretch of records, given in the order of writing. What is asked for is found once and remembered. */
export function spanOf(records: readonly BlackBoxRecord[], from: number, to: number): Span {
  const samples: Record<Source, Sample[]> = { platform: [], watcher: [] }
  const occurrences: Occurrence[] = []
  for (const record of records) {
    if (record.kind === 'sample') samples[record.source].push(record)
    else occurrences.push(record)
  }
  const series = new Map<string, readonly Point[]>()
  const families = new Map<string, readonly string[]>()
  let names: Set<string> | undefined

  const measured = (name: string, source: Source) =>
    remembered(series, `${source} ${name}`, () => pointsOf(samples[source], name))
  const allNames = () => {
    names ??= new Set([...samples.platform, ...samples.watcher].flatMap(({ values }) => Object.keys(values)))
    return names
  }
  return {
    from,
    to,
    samples: source => samples[source],
    occurrences: name => (name === undefined ? occurrences : occurrences.filter(one => one.name === name)),
    series(name, source) {
      if (source) return measured(name, source)
      const own = measured(name, 'platform')
      return own.length > 0 ? own : measured(name, 'watcher')
    },
    subjects: family => remembered(families, family, () => subjectsOf(allNames(), family))
  }
}

function remembered<T>(known: Map<string, T>, key: string, find: () => T): T {
  const found = known.get(key) ?? find()
  known.set(key, found)
  return found
}

function pointsOf(samples: readonly Sample[], name: string): readonly Point[] {
  const points: Point[] = []
  for (const { at, values } of samples) {
    const value = values[name]
    if (value !== undefined) points.push({ at, value })
  }
  return points
}

/** The second part of every name that begins with the family; the names of subjects hold no dot. */
function subjectsOf(names: ReadonlySet<string>, family: string): readonly string[] {
  const subjects = new Set<string>()
  for (const name of names) {
    const [first, subject] = name.split('.')
    if (first === family && subject !== undefined) subjects.add(subject)
  }
  return [...subjects].sort()
}
