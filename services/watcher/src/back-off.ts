export interface BackOffOptions {
  /** First wait, in milliseconds. Default 100. */
  firstMs?: number
  /** Longest wait. Default 10,000. */
  capMs?: number
  /** A run that was ready for at least this long starts over with the first wait. Default 2,000. */
  stableMs?: number
}

/**
 * How long to wait before the next restart: doubled after each run that hardly served, from the start after one that did.
 * The time counts from readiness, because starting is not serving: a platform that dies while it starts, however long that
 * takes, waits longer each time, and one that was killed while it worked is back at once. Pure.
 * @param servedMs from ready to the end; 0 for a run that never was
 */
export function nextWait(previousMs: number | undefined, servedMs: number, options: BackOffOptions = {}): number {
  const { firstMs = 100, capMs = 10_000, stableMs = 2_000 } = options
  if (previousMs === undefined || servedMs >= stableMs) return firstMs
  return Math.min(capMs, previousMs * 2)
}
