import { bytesOf, keepaliveBytes } from './limits.ts'
import type { Queued, Settled } from './ports.ts'

/** Older events are in the queue for sure, and another tab may have sent them. */
const freshMs = 30_000

/**
 * Copies of the newest events, for the moment in which a page is hidden and no store answers any more: what was not yet
 * sent can then go with `keepalive`.
 */
export interface LastWords {
  add(event: Queued): void
  settled(settled: readonly Settled[]): void
  /** Takes what is worth sending now; the newest, if not all of it fits. */
  take(): Queued[]
}

export function createLastWords(now: () => number): LastWords {
  let kept: { event: Queued; at: number }[] = []
  const fresh = () => {
    let bytes = 2
    return kept
      .reverse()
      .filter(({ event, at }) => now() - at < freshMs && (bytes += bytesOf(event.body) + 1) <= keepaliveBytes)
      .reverse()
  }
  return {
    add(event) {
      kept.push({ event, at: now() })
      if (kept.length >= 500) kept = fresh().slice(-250)
    },
    settled(settled) {
      const gone = new Set(settled.map(([id]) => id))
      kept = kept.filter(({ event }) => !gone.has(event.id))
    },
    take() {
      const taken = fresh()
      kept = []
      return taken.map(({ event }) => event)
    }
  }
}
