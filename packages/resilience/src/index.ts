export type { RunOptions } from './answer.ts'
export { type BreakerControl, type BreakerSnapshot, breaker } from './breaker/breaker.ts'
export type { BreakerOptions } from './breaker/settings.ts'
export { type BulkheadSnapshot, bulkhead } from './bulkhead/bulkhead.ts'
export type { BulkheadOptions } from './bulkhead/settings.ts'
export { type CacheOptions, type CacheSnapshot, cache } from './cache/cache.ts'
export type { Context, Source, Work } from './call.ts'
export { type Clock, systemClock, type TimerHandle } from './clock.ts'
export { type ConcurrencyLimitOptions, concurrencyLimit } from './concurrency-limit/concurrency-limit.ts'
export {
  type ConcurrencyLimiter,
  type ConcurrencyLimitSnapshot,
  type ConcurrencyPermit,
  concurrencyLimiter,
  type PermitOutcome
} from './concurrency-limit/limiter.ts'
export type { ConcurrencyLimiterOptions } from './concurrency-limit/settings.ts'
export { type DeadlineOptions, deadline } from './deadline.ts'
export { DEADLINE_HEADER, formatDeadlineHeader, parseDeadlineHeader } from './deadline-header.ts'
export {
  BreakerOpenError,
  BulkheadFullError,
  ConcurrencyLimitedError,
  DeadlineExceededError,
  HedgeLostError,
  isRejection,
  RateLimitedError,
  ResilienceError,
  RetryBudgetExhaustedError,
  TimeoutError
} from './errors.ts'
export type { EventStream, EventStreamOptions } from './event-stream.ts'
export type { BreakerState, PolicyEvent, PolicyListener } from './events.ts'
export { type FallbackOptions, fallback } from './fallback.ts'
export { type HedgeOptions, type HedgeSnapshot, hedge } from './hedge/hedge.ts'
export { type Anteroom, type AnteroomOptions, anteroom } from './load-shed/anteroom.ts'
export {
  type LoadPermit,
  type LoadShedder,
  type LoadShedderOptions,
  type LoadShedderSnapshot,
  loadShedder
} from './load-shed/load-shedder.ts'
export { type ManualClock, manualClock } from './manual-clock.ts'
export type { Outcome } from './outcome.ts'
export type { Part } from './part.ts'
export { type Policy, type PolicyOptions, type PolicySnapshot, policy } from './policy.ts'
export type { Priority } from './priority.ts'
export { type RateLimiter, type RateVerdict, rateLimiter } from './rate-limit/limiter.ts'
export { type RateLimitOptions, type RateLimitSnapshot, rateLimit } from './rate-limit/rate-limit.ts'
export type { RateLimiterOptions } from './rate-limit/settings.ts'
export {
  type RateLimitStore,
  type SharedRateLimiter,
  type SharedRateLimiterOptions,
  type SharedRateVerdict,
  sharedRateLimiter
} from './rate-limit/shared-limiter.ts'
export type { NamedBudget, RetryBudgetOptions } from './retry/budget.ts'
export { formatRetryBudgetHeader, RETRY_BUDGET_HEADER } from './retry/budget-header.ts'
export { type RetryOptions, retry } from './retry/retry.ts'
export { parseRetryAfter } from './retry/retry-after.ts'
export { isRetryable } from './retry/retryable.ts'
export { type TimeoutOptions, timeout } from './timeout.ts'
