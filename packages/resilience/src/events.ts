import type { Work } from './call.ts'
import type { BulkheadRefusal } from './errors.ts'
import type { Priority } from './priority.ts'

/** The states a breaker can be in. The last three are set by hand. */
export type BreakerState = 'closed' | 'open' | 'half-open' | 'forced-open' | 'forced-closed' | 'disabled'

export type ConcurrencyRefusal = 'full' | 'queue-timeout' | 'displaced'

type Happening =
  | { type: 'timeout'; timeoutMs: number }
  | { type: 'timeout.would-fire'; timeoutMs: number }
  | { type: 'deadline'; begun: boolean; incoming: boolean }
  | { type: 'retry'; attempt: number; delayMs: number; error: unknown }
  | {
      type: 'retry.stopped'
      attempts: number
      reason: 'attempts' | 'budget' | 'deadline' | 'retry-after'
      error: unknown
    }
  | { type: 'hedge'; afterMs: number }
  | { type: 'hedge.won'; afterMs: number }
  | { type: 'hedge.denied' }
  | { type: 'breaker.state'; from: BreakerState; to: BreakerState; because: string }
  | { type: 'breaker.rejected'; retryAfterMs: number }
  | { type: 'breaker.would-reject'; retryAfterMs: number }
  | { type: 'bulkhead.rejected'; reason: BulkheadRefusal }
  | { type: 'rate-limit.rejected'; key: string | undefined; cost: number; retryAfterMs: number }
  | { type: 'rate-limit.store-failed'; error: unknown }
  | {
      type: 'concurrency-limit.rejected'
      priority: Priority
      reason: ConcurrencyRefusal
      limit: number
      retryAfterMs: number
    }
  | { type: 'concurrency-limit.changed'; from: number; to: number }
  | { type: 'fallback'; error: unknown }
  | { type: 'cache.stale'; ageMs: number; error: unknown }
  | { type: 'cache.refresh-failed'; error: unknown }
  | { type: 'late'; outcome: 'ok' | 'failed' }

/** Something a policy did, as a plain object. `at` is wall time in milliseconds. */
export type PolicyEvent = { readonly policy: string; readonly at: number } & Readonly<Happening>

/** Hears of an event, with the function that was given to `run` if it happened to one call of it. */
export type PolicyListener = (event: PolicyEvent, work: Work | null) => void

/** An event before it is stamped with the policy and the time. */
export type PolicyHappening = Happening
