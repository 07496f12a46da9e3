import type { Point, Span, Timeline } from '../diagnosis/timeline.ts'
import type { Occurrence, Source } from '../record.ts'

/** How rules read a timeline: its spans as one row, and the stretches in it. */

const spans = ({ past, usual, recent }: Timeline): Span[] => [...(past ? [past] : []), usual, recent]

export const points = (timeline: Timeline, name: string): Point[] => spans(timeline).flatMap(span => span.series(name))

export const occurrences = (timeline: Timeline, name: string): Occurrence[] =>
  spans(timeline).flatMap(span => span.occurrences(name))

export const subjects = ({ usual, recent }: Timeline, family: string): string[] => [
  ...new Set([...usual.subjects(family), ...recent.subjects(family)])
]

/** When a source was last heard, in milliseconds since 1970. */
export const heard = ({ usual, recent }: Timeline, source: Source): number | undefined =>
  (recent.samples(source).at(-1) ?? usual.samples(source).at(-1))?.at

/** The value at a share of the row: 0.5 is the median. Nothing of an empty row. */
export function quantile(row: readonly Point[], share: number): number | undefined {
  if (row.length === 0) return undefined
  const sorted = row.map(({ value }) => value).sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
}

export const median = (row: readonly Point[]): number | undefined => quantile(row, 0.5)
export const highest = (row: readonly Point[]): number => row.reduce((most, { value }) => Math.max(most, value), 0)
export const sum = (row: readonly Point[]): number => row.reduce((all, { value }) => all + value, 0)
/** Of a row that counts once a second. */
export const mean = (row: readonly Point[]): number => (row.length === 0 ? 0 : sum(row) / row.length)

export const within = (row: readonly Point[], from: number, to = Number.POSITIVE_INFINITY): Point[] =>
  row.filter(({ at }) => at >= from && at <= to)

/** Two rows, second by second, where both were measured. */
export function together(
  one: readonly Point[],
  other: readonly Point[],
  of: (a: number, b: number) => number
): Point[] {
  const second = (at: number) => Math.round(at / 1_000)
  const others = new Map(other.map(({ at, value }) => [second(at), value]))
  return one.flatMap(({ at, value }) => {
    const beside = others.get(second(at))
    return beside === undefined ? [] : [{ at, value: of(value, beside) }]
  })
}

/** Platforms start at the first of the two moments and are ready at the second, which is infinite where it never came. In milliseconds. */
export function startsOf(timeline: Timeline): { at: number; ready: number }[] {
  const own = (name: string) =>
    occurrences(timeline, name).flatMap(({ at, source }) => (source === 'platform' ? [at] : []))
  const ready = own('ready')
  return own('start').map(at => ({ at, ready: ready.find(later => later >= at) ?? Number.POSITIVE_INFINITY }))
}

/** What comes again after no longer than this is the same trouble, in milliseconds. */
const againMs = 30_000

/** When that began which was there at `since`, and with pauses before. @param moments at which it was there, by time */
export function begunBefore(moments: readonly { at: number }[], since: number): number {
  let begun = since
  for (const { at } of moments.toReversed()) {
    if (at >= begun) continue
    if (begun - at > againMs) break
    begun = at
  }
  return begun
}

/** A part of a row, to its end or nearly so, in which something held. */
export interface Stretch {
  since: number
  /** Left out while it goes on. */
  until?: number
  points: Point[]
  before: Point[]
}

export interface StretchOptions {
  /** How long it must hold, in milliseconds. Default 3,000: a burst is no fault. */
  forMs?: number
  /** What it may miss in between. Default 2,500. */
  gapMs?: number
  /** How long after its end it is still told. Default 10,000. */
  toldMs?: number
  /** Whose silence ends the row: what held when a source fell silent is taken to hold. */
  source?: Source
}

/** The last stretch of the row in which `holds`, if it is long enough and not long over. */
export function stretch(
  timeline: Timeline,
  row: readonly Point[],
  holds: (value: number) => boolean,
  { forMs = 3_000, gapMs = 2_500, toldMs = 10_000, source = 'platform' }: StretchOptions = {}
): Stretch | undefined {
  let last = row.length - 1
  while (last >= 0 && !holds(row[last]!.value)) last--
  if (last < 0) return undefined
  let first = last
  for (let i = last; i >= 0 && row[first]!.at - row[i]!.at <= gapMs; i--) if (holds(row[i]!.value)) first = i
  const since = row[first]!.at
  const end = row[last]!.at
  // A sample covers the second before it.
  if (end - since + 1_000 < forMs) return undefined
  const inside = row.slice(first, last + 1)
  const held = inside.filter(({ value }) => holds(value)).length
  // Two seconds that are bad by chance do not make the good ones between them bad.
  if (held < 0.6 * inside.length || held < 0.75 * (forMs / 1_000)) return undefined
  const now = heard(timeline, source) ?? timeline.at
  const goesOn = end >= now - gapMs
  if (!goesOn && now - end > toldMs) return undefined
  return {
    since,
    ...(goesOn ? {} : { until: end }),
    points: inside,
    before: row.slice(0, first)
  }
}

export interface Raised extends StretchOptions {
  /** Below this nothing is wrong, whatever was usual. */
  floor: number
  /** How many times the usual high: a level that it is above in a seventh of the time, so that an hour with one fault is no excuse. */
  times: number
}

/** What was before, without what was itself far above the rest of it: an earlier trouble is not what is usual. */
function withoutTrouble(before: readonly Point[], floor: number): readonly Point[] {
  const bound = Math.max(floor, 5 * median(before)!)
  const calm = before.filter(({ value }) => value < bound)
  // Where it is so for a third of the time, it is what this store is like under load.
  return calm.length > 0.67 * before.length ? calm : before
}

/** A series that is well above what was usual, and above a floor. Without a past the floor is taken `times` higher. */
export function raised(
  timeline: Timeline,
  row: readonly Point[],
  { floor, times, ...options }: Raised
): (Stretch & { now: number; usual: number | undefined }) | undefined {
  const found = stretch(timeline, row, value => value >= floor, options)
  if (!found) return undefined
  const now = median(found.points)!
  const enough = found.before.length >= 8
  const high = enough ? quantile(withoutTrouble(found.before, floor), 0.85)! : floor
  if (now < high * times) return undefined
  return { ...found, now, usual: enough ? median(found.before) : undefined }
}
