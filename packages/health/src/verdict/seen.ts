import type { Figures, State } from '../board/board.ts'
import type { Details } from '../board/details.ts'

/** All that a verdict is made from. Times by `monotonicMs` unless they say otherwise. */
export interface Seen {
  nowMs: number
  /** Milliseconds since 1970. */
  wallMs: number
  /** How long the main thread has given no sign of life. */
  silentMs: number
  state: State
  figures: Figures
  details: Details
  restarts: number
  rssBytes: number
  uptimeMs: number
}

/** From where on something is worth a word. */
export interface Limits {
  stuckAfterMs: number
  loopDelayWarnMs: number
  heapWarnShare: number
  release: string | undefined
  service: string | undefined
}
