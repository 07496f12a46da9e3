import type { Diagnosis } from '@plimsoll/recorder'

/** What one look at the black box gave. */
export interface Look {
  /** The moment that was judged, in milliseconds since 1970. */
  at: number
  diagnosis: Diagnosis
  /** For a page, where one was asked for: what is said, and the words that are explained. HTML, escaped. */
  page?: { sections: string; glossary: string }
  /** What the look took in its thread, in milliseconds. */
  tookMs: number
}
