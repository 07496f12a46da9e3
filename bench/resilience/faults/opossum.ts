import CircuitBreaker from 'opossum'
import { installedVersion } from '../versions.ts'
import type { Library, Work } from './library.ts'

/** Its types are of an older version. */
type Stack = CircuitBreaker<[Work<unknown>], unknown> & { getSignal?(): AbortSignal | undefined }

/** One class holds breaker, timeout and capacity. Signals as its readme has them: one controller, renewed by itself. */
export const opossum: Library = {
  name: 'opossum',
  version: installedVersion('opossum'),
  lacks: {
    retry: 'has no retry',
    adaptiveLimit: 'has no adaptive limit',
    queue: 'has no queue',
    priority: 'has no priorities',
    signal: "does not know the caller's signal"
  },
  make({ retry, breaker, bulkhead, timeoutMs, adaptiveLimit, healthCheck }) {
    if (retry !== undefined || adaptiveLimit || (bulkhead !== undefined && bulkhead.queue > 0)) {
      throw new Error('not offered')
    }
    const stack: Stack = new CircuitBreaker((work: Work<unknown>) => work({ signal: stack.getSignal?.() }), {
      timeout: timeoutMs ?? false,
      errorThresholdPercentage: breaker === undefined ? 100 : 50,
      rollingCountTimeout: 10_000,
      rollingCountBuckets: 10,
      volumeThreshold: breaker?.minimumCalls ?? 0,
      resetTimeout: breaker?.openMs ?? 30_000,
      ...(bulkhead && { capacity: bulkhead.concurrency }),
      ...(timeoutMs !== undefined && { autoRenewAbortController: true })
    })
    if (healthCheck !== undefined) stack.healthCheck(healthCheck, 5_000)
    return {
      run: work => stack.fire(work) as Promise<never>,
      state: () => (stack.opened ? 'open' : stack.halfOpen ? 'half-open' : stack.closed ? 'closed' : 'shut down'),
      failureRate: () => (stack.stats.fires === 0 ? 0 : stack.stats.failures / stack.stats.fires),
      dispose: () => stack.shutdown()
    }
  }
}
