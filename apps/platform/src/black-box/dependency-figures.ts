import type { BreakerState, Policy, PolicySnapshot } from '@plimsoll/resilience'
import { histogram } from '@plimsoll/sketches'

import type { BlackBox } from './black-box.ts'

/** By how much each of these grew in the second. */
const counted = ['invocations', 'failed', 'timeouts', 'deadlines', 'rejected'] as const
type Counts = Pick<PolicySnapshot, (typeof counted)[number]>

const openness: Record<BreakerState, number> = {
  closed: 0,
  disabled: 0,
  'forced-closed': 0,
  'half-open': 1,
  open: 2,
  'forced-open': 2
}

/**
 * Watches the calls of a policy as `dependency.NAME.*`, and tells of its breaker. Times are of the dependency alone: what
 * waits for a place is not its fault.
 * @param budgetMs how long a call may take
 */
export function watchDependency<A>(name: string, policy: Policy<A>, budgetMs: number, blackBox: BlackBox): Policy<A> {
  let times = histogram.empty()
  let last: Counts = policy.snapshot()
  const timed =
    <Context, T>(work: (context: Context) => T | PromiseLike<T>) =>
    async (context: Context): Promise<T> => {
      const began = performance.now()
      try {
        return await work(context)
      } catch (error) {
        // What the policy ended is counted as such; what the dependency or the system says is told in its words.
        if (!isAbort(error)) blackBox.failed(name, error)
        throw error
      } finally {
        histogram.record(times, performance.now() - began)
      }
    }
  policy.on(event => {
    if (event.type !== 'breaker.state') return
    const { from, to, because } = event
    blackBox.happened('breaker', { subject: name, detail: { from, to, why: because } })
  })
  blackBox.add(() => {
    const now = policy.snapshot()
    const grown = Object.fromEntries(counted.map(key => [key, now[key] - last[key]])) as Counts
    last = now
    const figures: Record<string, number> = {
      calls: grown.invocations,
      failed: grown.failed,
      'timed-out': grown.timeouts + grown.deadlines,
      refused: grown.rejected,
      budget: budgetMs
    }
    const p50 = histogram.quantile(times, 0.5)
    const p99 = histogram.quantile(times, 0.99)
    if (p50 !== null && p99 !== null) Object.assign(figures, { p50, p99 })
    times = histogram.empty()
    if (now.breaker) figures.breaker = openness[now.breaker.state]
    if (now.bulkhead) {
      figures['bulkhead.in-use'] = now.bulkhead.running
      figures['bulkhead.limit'] = now.bulkhead.concurrency
      figures['bulkhead.waiting'] = now.bulkhead.queued
    }
    return Object.fromEntries(Object.entries(figures).map(([key, value]) => [`dependency.${name}.${key}`, value]))
  })
  return {
    name: policy.name,
    clock: policy.clock,
    breaker: policy.breaker,
    run: (work, options) => policy.run(timed(work), options),
    outcome: (work, options) => policy.outcome(timed(work), options),
    explain: () => policy.explain(),
    on: listener => policy.on(listener),
    events: options => policy.events(options),
    snapshot: () => policy.snapshot()
  }
}

const isAbort = (error: unknown) => error instanceof Error && /abort|timeout/i.test(error.name)
