import type { CheckKind, CheckReadiness } from '../checks/check.ts'

/** What is told of a check. Times by `monotonicMs`. */
export interface CheckView {
  name: string
  kind: CheckKind
  readiness: CheckReadiness
  because?: string
  status: 'unknown' | 'pass' | 'warn' | 'fail'
  observedValue?: number | string
  observedUnit?: string
  output?: string
  /** When the last run ended, or ran out of time; absent before the first. */
  atMs?: number
  /** When the run that is on began. */
  runningSinceMs?: number
  staleAfterMs: number
  /** Runs that failed, one after another, up to now. */
  failures: number
}

/** What the main thread tells in words. */
export interface Details {
  /** Why the service does not want traffic. */
  notReady: string
  checks: readonly CheckView[]
}

export const NO_DETAILS: Details = { notReady: '', checks: [] }

/** Texts on the board are of at most this many UTF-16 code units, so that all of them fit at their worst. */
const LONGEST_TEXT = 240

/** One line that fits: without control characters and lone surrogates, which JSON writes as six bytes each. */
export function boardText(text: string, longest: number = LONGEST_TEXT): string {
  // Cut first: what a failing dependency says may be megabytes long.
  const line = text
    .slice(0, longest + 1)
    .replace(/\p{Cc}+/gu, ' ')
    .toWellFormed()
  return line.length > longest ? `${line.slice(0, longest - 1).toWellFormed()}…` : line
}
