/** One line of the black box: what was measured in a second, or something that happened. */
export type BlackBoxRecord = Sample | Occurrence

/**
 * What one source measured, once a second. Names are dotted, from the general to the particular, with the subject in
 * the middle where there are several: `loop.delay.max`, `store.primary.waiting`, `dependency.metadata.p99`. Units are
 * fixed by the last part of a name, see `docs/vocabulary.md`.
 */
export interface Sample {
  kind: 'sample'
  /** Milliseconds since 1970, by the clock of the machine, which may jump: order is that of writing. */
  at: number
  /** Who measured: the process itself, or the one that watches it from outside. */
  source: Source
  /** Only finite numbers; what could not be measured is left out, not zero. */
  values: Readonly<Record<string, number>>
}

/** Something worth remembering that has a moment: a breaker opened, a process ended, a setting changed. */
export interface Occurrence {
  kind: 'occurrence'
  at: number
  source: Source
  /** What happened: `breaker`, `exit`, `start`, `ready`, `signal`, `configuration`, `refused-to-start`, … */
  name: string
  /** Whom it happened to: `metadata`, `primary`, a subscriber, a project. */
  subject?: string
  detail?: Readonly<Record<string, string | number | boolean | null>>
}

export type Source = 'platform' | 'watcher'
