import type { Diagnosis, Finding } from '../diagnosis/diagnosis.ts'
import { withPast } from '../diagnosis/standing.ts'
import type { BlackBoxRecord } from '../record.ts'
import type { Incident } from './incident.ts'

/** What is drawn before the moment that is judged, and after it where there is more, in milliseconds. */
const beforeMs = 15 * 60_000
const afterMs = 5 * 60_000
/** What is drawn at the least. */
const leastMs = 60_000
/** How far back a diagnosis looks, in milliseconds: its two windows. */
const lookMs = 11 * 60_000
/** A stretch is judged at so many moments at most, and not closer together than this, in milliseconds. */
const moments = 120
const stepMs = 20_000

type Diagnose = (records: readonly BlackBoxRecord[], at: number) => Diagnosis

/** What must be read for a report of a moment or of a stretch of time, in milliseconds since 1970. */
export function toRead(asked: { at: number } | { from: number; to: number }): { from: number; to: number } {
  return 'at' in asked
    ? { from: asked.at - beforeMs, to: asked.at + afterMs }
    : { from: asked.from - lookMs, to: asked.to }
}

/** The incident as it stood at a moment. What came after it is drawn, and plays no part in what is said. */
export function incidentAt(records: readonly BlackBoxRecord[], at: number, diagnose: Diagnose): Incident {
  const until = records.reduce((last, record) => Math.max(last, record.at), at)
  const begun = records.reduce((first, record) => Math.min(first, record.at), at - leastMs)
  return {
    diagnosis: diagnose(records, at),
    records,
    // A platform that has run for a minute has no quarter of an hour to show.
    from: Math.max(begun, at - beforeMs),
    to: Math.min(until, at + afterMs)
  }
}

/**
 * The incident over a stretch of time, from records by time: every cause that was one at some moment of it, from when it was first seen to when
 * it was last. What was known, for most of that time, to follow from another is no cause.
 */
export function incidentBetween(
  records: readonly BlackBoxRecord[],
  { from, to }: { from: number; to: number },
  diagnose: Diagnose
): Incident {
  const step = Math.max(stepMs, Math.ceil((to - from) / moments))
  const seen: Diagnosis[] = []
  for (let at = to; at > from; at -= step) seen.unshift(diagnose(within(records, at), at))
  const last = seen.at(-1) ?? diagnose(records, to)
  const causes = merged(seen, to)
  const state =
    (['down', 'degraded', 'unknown'] as const).find(one => seen.some(({ state }) => state === one)) ?? 'healthy'
  const [first] = causes
  const summary = first
    ? `${sentence(first.title)}${causes.length > 1 ? ` ${causes.length - 1} more ${causes.length === 2 ? 'cause is' : 'causes are'} listed.` : ''} At the end: ${last.summary}`
    : last.summary
  return { diagnosis: { ...last, state, summary, causes }, records, from, to }
}

/** The records that a diagnosis of a moment reads: they come by time, and a day of them is judged at many moments. */
function within(records: readonly BlackBoxRecord[], at: number): readonly BlackBoxRecord[] {
  const between = (from: number, to: number) => records.slice(firstAfter(records, from), firstAfter(records, to))
  return withPast(between(at - lookMs, at), at, ({ from, to }) => between(from - 1, to))
}

function firstAfter(records: readonly BlackBoxRecord[], at: number): number {
  let low = 0
  let high = records.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (records[middle]!.at <= at) low = middle + 1
    else high = middle
  }
  return low
}

/** What was seen at a moment stands for its second, in milliseconds. */
const secondMs = 1_000

function merged(seen: readonly Diagnosis[], end: number): Finding[] {
  const key = ({ rule, subject }: Finding) => `${rule}\n${subject}`
  const known = new Map<string, [from: number, to: number][]>()
  for (const { at, causes } of seen)
    for (const one of causes.flatMap(under))
      known.set(key(one), [...(known.get(key(one)) ?? []), [one.since, (one.until ?? at) + secondMs]])
  const causes = new Map<string, { finding: Finding; since: number; until: number; goesOn: boolean }>()
  for (const { at, causes: found } of seen) {
    for (const finding of found) {
      const until = finding.until ?? at
      if (isMostly(known.get(key(finding)) ?? [], finding.since, until + secondMs)) continue
      const before = causes.get(key(finding))
      // The fullest account of it is the one that is told.
      const weight = (one: Finding) => one.evidence.length + under(one).length
      causes.set(key(finding), {
        finding: before && weight(before.finding) > weight(finding) ? before.finding : finding,
        since: Math.min(before?.since ?? finding.since, finding.since),
        until: Math.max(before?.until ?? 0, until),
        goesOn: finding.until === undefined && at === end
      })
    }
  }
  return [...causes.values()]
    .map(({ finding, since, until, goesOn }): Finding => {
      const { until: _, ...rest } = finding
      return { ...rest, since, ...(!goesOn && { until }) }
    })
    .sort((a, b) => a.since - b.since)
}

/** Whether the time from `since` to `until` was spent, for the most part, as a symptom of something else. */
function isMostly(asSymptom: readonly [from: number, to: number][], since: number, until: number): boolean {
  let covered = 0
  let reached = since
  for (const [from, to] of asSymptom.toSorted(([a], [b]) => a - b)) {
    const begin = Math.max(from, reached)
    const end = Math.min(to, until)
    if (end < begin) continue
    covered += end - begin
    reached = end
  }
  return 2 * covered >= until - since
}

function under({ symptoms }: Finding): Finding[] {
  return symptoms.flatMap(one => [one, ...under(one)])
}

const sentence = (text: string) => (/[.!?]$/.test(text) ? text : `${text}.`)
