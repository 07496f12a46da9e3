import type { Attributes, BatchObservableResult, Meter, Observable } from '@opentelemetry/api'
import type { BreakerState } from '../events.ts'
import type { Policy, PolicySnapshot } from '../policy.ts'

const STATES: readonly BreakerState[] = ['closed', 'open', 'half-open', 'forced-open', 'forced-closed', 'disabled']

type Observe = (instrument: Observable, value: number, attributes?: Attributes) => void

/**
 * Reports `policy.snapshot()` whenever the metrics are collected: nothing is added to a call. Returns what ends it.
 *
 * All policies report by the same instruments and are told apart by the attribute `policy`.
 */
export function reportMetrics(policy: Policy<unknown>, meter: Meter): () => void {
  const instruments = instrumentsOf(meter)
  const all: Observable[] = Object.values(instruments)
  const report = (result: BatchObservableResult) => {
    const observe: Observe = (instrument, value, attributes) =>
      result.observe(instrument, value, { policy: policy.name, ...attributes })
    const snapshot = policy.snapshot()
    observeTally(instruments, snapshot, observe)
    observeParts(instruments, snapshot, observe)
  }
  meter.addBatchObservableCallback(report, all)
  return () => meter.removeBatchObservableCallback(report, all)
}

type Instruments = ReturnType<typeof instrumentsOf>

function instrumentsOf(meter: Meter) {
  const counter = (name: string, description: string) =>
    meter.createObservableCounter(`resilience.policy.${name}`, { description, unit: '1' })
  const gauge = (name: string, description: string, unit = '1') =>
    meter.createObservableGauge(`resilience.${name}`, { description, unit })
  return {
    calls: counter('calls', 'Calls that have ended, by how'),
    invocations: counter('invocations', 'Times the function was called'),
    rejections: counter('rejections', 'Calls that a part turned away'),
    timeouts: counter('timeouts', 'Timeouts that fired'),
    deadlines: counter('deadlines', 'Deadlines that passed, or left no time to begin'),
    retries: counter('retries', 'Retries made, and those the budget denied'),
    hedges: counter('hedges', 'Second calls begun and won, and those the budget denied'),
    rateLimitStoreFailures: counter('rate_limit_store_failures', 'Times the store of a rate limit failed or was slow'),
    fallbacks: counter('fallbacks', 'Errors that a fallback answered for'),
    cache: counter('cache', 'Answers of the cache, by kind'),
    cacheRefreshes: counter('cache_refreshes', 'Calls made to renew an answer in the background'),
    late: counter('late', 'Results that came after the answer, and were dropped'),
    shadow: counter('shadow', 'What parts in shadow mode would have done'),
    inFlight: gauge('policy.in_flight', 'Calls without an answer yet'),
    breakerState: gauge('breaker.state', '1 for the state the breaker is in, 0 for the others'),
    breakerAdmits: gauge('breaker.admits', 'Share of the calls that the breaker lets in'),
    bulkheadRunning: gauge('bulkhead.running', 'Slots that are taken'),
    bulkheadQueued: gauge('bulkhead.queued', 'Calls that wait for a slot'),
    rateLimitWaiting: gauge('rate_limit.waiting', 'Calls that wait for their turn'),
    concurrencyLimit: gauge('concurrency_limit.limit', 'Calls that may run at once'),
    concurrencyRunning: gauge('concurrency_limit.running', 'Calls that run'),
    concurrencyQueued: gauge('concurrency_limit.queued', 'Calls that wait for a place'),
    hedgeAfter: gauge('hedge.after', 'After what time a second call would begin', 's'),
    cacheKeys: gauge('cache.keys', 'Keys that the cache holds')
  }
}

function observeTally(to: Instruments, tally: PolicySnapshot, observe: Observe): void {
  for (const outcome of ['ok', 'failed', 'rejected', 'aborted'] as const) {
    observe(to.calls, tally[outcome], { outcome })
  }
  observe(to.invocations, tally.invocations)
  for (const [key, value] of Object.entries(tally)) {
    const part = /^(\w+)Rejections$/.exec(key)?.[1]
    if (part !== undefined && typeof value === 'number') observe(to.rejections, value, { part: kebab(part) })
  }
  observe(to.timeouts, tally.timeouts)
  observe(to.deadlines, tally.deadlines)
  observe(to.retries, tally.retries, { result: 'made' })
  observe(to.retries, tally.retriesDenied, { result: 'denied' })
  observe(to.hedges, tally.hedges, { result: 'begun' })
  observe(to.hedges, tally.hedgesWon, { result: 'won' })
  observe(to.hedges, tally.hedgesDenied, { result: 'denied' })
  observe(to.rateLimitStoreFailures, tally.rateLimitStoreFailures)
  observe(to.fallbacks, tally.fallbacks)
  observe(to.cache, tally.cacheHits, { result: 'hit' })
  observe(to.cache, tally.cacheJoined, { result: 'joined' })
  observe(to.cache, tally.cacheStale, { result: 'stale' })
  observe(to.cache, tally.cacheRevalidated, { result: 'revalidated' })
  observe(to.cache, tally.cacheErrors, { result: 'error' })
  observe(to.cacheRefreshes, tally.cacheRefreshes, { result: 'begun' })
  observe(to.cacheRefreshes, tally.cacheRefreshesFailed, { result: 'failed' })
  observe(to.late, tally.late)
  observe(to.shadow, tally.breakerWouldReject, { part: 'breaker' })
  observe(to.shadow, tally.timeoutsWouldFire, { part: 'timeout' })
  observe(to.inFlight, tally.inFlight)
}

function observeParts(to: Instruments, snapshot: PolicySnapshot, observe: Observe): void {
  const { breaker, bulkhead, rateLimit, concurrencyLimit, hedge, cache } = snapshot
  if (breaker !== undefined) {
    for (const state of STATES) observe(to.breakerState, breaker.state === state ? 1 : 0, { state })
    observe(to.breakerAdmits, breaker.admits)
  }
  if (bulkhead !== undefined) {
    observe(to.bulkheadRunning, bulkhead.running)
    observe(to.bulkheadQueued, bulkhead.queued)
  }
  if (rateLimit !== undefined) observe(to.rateLimitWaiting, rateLimit.waiting)
  if (concurrencyLimit !== undefined) {
    observe(to.concurrencyLimit, concurrencyLimit.limit)
    observe(to.concurrencyRunning, concurrencyLimit.running)
    observe(to.concurrencyQueued, concurrencyLimit.queued)
  }
  // Unknown is no number: until enough calls have been seen there is nothing to report.
  if (hedge !== undefined && hedge.afterMs !== Infinity) observe(to.hedgeAfter, hedge.afterMs / 1_000)
  if (cache !== undefined) observe(to.cacheKeys, cache.keys)
}

const kebab = (name: string): string => name.replace(/[A-Z]/g, capital => `-${capital.toLowerCase()}`)
