const FIRST_MS = 100
const LONGEST_MS = 10_000
const STABLE_MS = 10_000

/** How long to wait before the thread is started again: doubled after each short life, from the start after a long one. */
export function nextWait(previousMs: number | undefined, livedMs: number): number {
  if (previousMs === undefined || livedMs >= STABLE_MS) return FIRST_MS
  return Math.min(LONGEST_MS, previousMs * 2)
}
