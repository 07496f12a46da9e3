import type { Occurrence, Sample, Source } from '../record.ts'
import type { Standing } from './standing.ts'

/** The records around a moment, in the order of writing, as a rule reads them. */
export interface Timeline {
  /** The moment that is judged. */
  at: number
  /** The window in which a cause is looked for ("now"), and the one before it that says what is usual. */
  recent: Span
  usual: Span
  /** What was before a trouble that has gone on for longer than both: what is usual is there. */
  past?: Span
  /** Causes that were noted to go on. */
  standing: readonly Standing[]
}

/** A stretch of time and what was recorded in it. */
export interface Span {
  from: number
  to: number
  samples(source: Source): readonly Sample[]
  occurrences(name?: string): readonly Occurrence[]
  /**
   * One series, oldest first; seconds in which it was not measured are left out. Without a source: the platform's where it
   * measured it in this span, else the watcher's.
   */
  series(name: string, source?: Source): readonly Point[]
  /** The subjects of a family: `subjects('dependency')` gives `['metadata']` when `dependency.metadata.*` was measured. */
  subjects(family: string): readonly string[]
}

export interface Point {
  at: number
  value: number
}
