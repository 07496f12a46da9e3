import { type DiagnoseOptions, diagnose } from './diagnosis/diagnose.ts'
import type { Diagnosis } from './diagnosis/diagnosis.ts'
import { timeline } from './diagnosis/span.ts'
import { withPast } from './diagnosis/standing.ts'
import type { Timeline } from './diagnosis/timeline.ts'
import { type Reading, readRecords } from './read.ts'
import { machineClock, type RecorderClock } from './ring/clock.ts'

export interface WhyOptions extends Pick<DiagnoseOptions, 'rules' | 'limits'> {
  /** The moment to judge, in milliseconds since 1970. Default: now, or the last record when that is longer ago. */
  at?: number | undefined
  /** See `timeline`. */
  recentMs?: number
  usualMs?: number
  clock?: RecorderClock
}

export interface Why {
  diagnosis: Diagnosis
  /** What was looked at, to be drawn. */
  timeline: Timeline
  skipped: Reading['skipped']
}

/** With both writers silent for longer than this, nothing runs: they write once a second, in milliseconds. */
const quietMs = 10_000

/**
 * Reads the black box in `directory` and says why things are as they are, from files alone.
 * @throws RecorderVersionError where all that was recorded is of a later version
 */
export function why(directory: string, options: WhyOptions = {}): Why {
  const { at, recentMs = 60_000, usualMs = 600_000, clock = machineClock, ...table } = options
  const now = clock.wallNow()
  const asked = Math.min(at ?? now, now)
  let reading = readRecords(directory, { from: asked - recentMs - usualMs, to: asked, clock })
  let judgedAt = asked
  let silentMs: number | undefined
  const { lastAt } = reading
  if (lastAt !== undefined && asked - lastAt > quietMs) {
    // Nothing runs: what there is to be known is in the last that was written.
    judgedAt = lastAt
    silentMs = asked - lastAt
    reading = readRecords(directory, { from: lastAt - recentMs - usualMs, to: lastAt, clock })
  }
  const records = withPast(reading.records, judgedAt, span => readRecords(directory, { ...span, clock }).records)
  const seen = timeline(records, { at: judgedAt, recentMs, usualMs })
  const diagnosis = diagnose(seen, { ...table, ...(silentMs !== undefined && { silentMs }) })
  return { diagnosis, timeline: seen, skipped: reading.skipped }
}
