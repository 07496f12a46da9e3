import type { ManualClock, Priority } from '@plimsoll/resilience'

/** A stack that every library is asked for. What is not said is not in it. Times in milliseconds. */
export interface Wanted {
  /** `attempts` in all; each waits `delayMs`, or a growing back-off with the library's own jitter up to `maxMs`. */
  retry?: { attempts: number; delayMs: number } | { attempts: number; baseMs: number; maxMs: number }
  /** Opens when half of at least `minimumCalls` of the last 10 s failed; rests `openMs`; one probe. */
  breaker?: { minimumCalls: number; openMs: number }
  bulkhead?: { concurrency: number; queue: number }
  /** Answers in time whether the function looks at its signal or not. */
  timeoutMs?: number
  /** Finds out by itself how much at once the dependency can serve. */
  adaptiveLimit?: boolean
  /** Asks the dependency by itself now and then, where a library does that. */
  healthCheck?: () => Promise<void>
}

export type Work<T> = (context: { signal: AbortSignal | undefined }) => Promise<T>

/** One stack of a library. */
export interface Subject {
  run<T>(work: Work<T>, options?: { signal?: AbortSignal; priority?: Priority }): Promise<T>
  state(): string
  /** The share of failed calls that the breaker sees, or null where it does not tell. */
  failureRate(): number | null
  dispose(): void
}

export interface Library {
  name: string
  version: string
  /** What it has not, in words: what is asked for in vain makes a trial `lacks`. */
  lacks: Partial<Record<keyof Wanted | 'queue' | 'priority' | 'signal' | 'retryAfter', string>>
  make(wanted: Wanted, clock: ManualClock): Subject
}
