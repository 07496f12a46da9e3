import { problem } from '@plimsoll/http'
import type { DashboardQuery } from '../contract.ts'
import { bucketOf } from '../views/buckets.ts'

/** A dashboard question with every default filled in. Times in milliseconds, aligned to hours. */
export interface Question {
  project: string
  from: number
  to: number
  step: 'hour' | 'day'
  /** Empty = all. */
  regions: string[]
  top: number
}

const hour = 3_600_000
const day = 24 * hour
/** A range is at most this long; a longer one would be drawn from more days than a screen has points. */
const longest = 3 * 366 * day
const byHourUpTo = 8 * day

/** @param hoursFrom what is earlier is kept by whole days only, and so is asked for by whole days; milliseconds */
export function askedFor(
  query: DashboardQuery,
  suggested: { from: number; to: number },
  hoursFrom = Number.NEGATIVE_INFINITY
): Question {
  const asked = query.from === undefined ? suggested.from : bucketOf('h', momentOf('from', query.from))
  const until = query.to === undefined ? suggested.to : bucketOf('h', momentOf('to', query.to) + hour - 1)
  const early = asked < hoursFrom
  const from = early ? bucketOf('d', asked) : asked
  const to = until < hoursFrom ? bucketOf('d', until + day - 1) : until
  if (from >= to) throw problem(400, 'invalid_range', '"from" must be before "to"')
  if (to - from > longest) throw problem(400, 'invalid_range', 'a range is at most three years')
  const regions = [
    ...new Set(
      (query.region ?? '')
        .split(',')
        .map(r => r.trim())
        .filter(r => r !== '')
    )
  ].sort()
  if (regions.length > 20) throw problem(400, 'invalid_region', 'at most 20 regions at once')
  // The store would fail at it, and that would look like a store that is down.
  if (regions.some(region => region.includes('\0'))) throw problem(400, 'invalid_region', 'a region has no NUL in it')
  return {
    project: query.project,
    from,
    to,
    step: early || to - from > byHourUpTo ? 'day' : 'hour',
    regions,
    top: query.top ?? 10
  }
}

/** Where a dashboard opens: the last 7 days when something happened in them, else the data's own days. */
export function suggestedRange(first: number | null, last: number | null, now: number): { from: number; to: number } {
  const end = bucketOf('h', now) + hour
  if (first === null || last === null || last >= now - 7 * day) return { from: end - 7 * day, to: end }
  const to = bucketOf('d', last) + day
  return { from: Math.max(bucketOf('d', first), to - longest), to }
}

function momentOf(name: string, text: string): number {
  const ms = Date.parse(text)
  if (Number.isNaN(ms)) throw problem(400, 'invalid_range', `"${name}" must be a time such as 2026-01-02T03:00:00Z`)
  return ms
}
