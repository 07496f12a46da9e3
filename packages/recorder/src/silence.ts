import type { Reading } from './read.ts'
import type { RecorderClock } from './ring/clock.ts'

/** A time in which nothing was recorded, as it is told to `diagnose`. */
export interface Silence {
  /** When the last record before it was written: there is what can be known. Milliseconds since 1970. */
  at: number
  /** How long it had lasted at the moment that was asked for, in milliseconds. */
  silentMs: number
  /** Whether the first record after it, or who reads now, is of another start of the machine. */
  rebooted: boolean
}

/** With both writers silent for longer than this, nothing runs: they write once a second, in milliseconds. */
const quietMs = 10_000

/** The silence in which a moment lies; undefined where something was being recorded, or nothing ever was. */
export function silenceAt(
  { lastUntil, firstAfter }: Pick<Reading, 'lastUntil' | 'firstAfter'>,
  moment: number,
  { boot }: Pick<RecorderClock, 'boot'>
): Silence | undefined {
  if (lastUntil === undefined || moment - lastUntil.at <= quietMs) return undefined
  const next = firstAfter?.boot ?? boot
  return {
    at: lastUntil.at,
    silentMs: moment - lastUntil.at,
    rebooted: next !== '' && lastUntil.boot !== '' && next !== lastUntil.boot
  }
}
