import { batchOf } from './books.ts'
import { batchEvents, keepaliveBytes } from './limits.ts'
import type { Queued, Settled } from './ports.ts'

/** Older events may have been sent by another tab. */
const freshMs = 30_000

/**
 * Copies of the newest events, for the moment in which a page is hidden and no store answers any more: what is stored and
 * was not yet sent can then go with `keepalive`.
 */
export interface LastWords {
  add(event: Queued): void
  settled(settled: readonly Settled[]): void
  /** Takes what is worth sending now; the newest, if not all of it fits. */
  take(): Queued[]
}

export function createLastWords(now: () => number): LastWords {
  let kept: (Queued & { at: number })[] = []
  return {
    add(event) {
      kept.push({ ...event, at: now() })
      // The newest are worth more: only what fits one request is of use.
      if (kept.length > batchEvents) kept.shift()
    },
    settled(settled) {
      const gone = new Set(settled.map(([id]) => id))
      kept = kept.filter(({ id }) => !gone.has(id))
    },
    take() {
      const fresh = kept.filter(({ at }) => now() - at < freshMs).reverse()
      kept = []
      return batchOf(fresh, batchEvents, keepaliveBytes).reverse()
    }
  }
}
