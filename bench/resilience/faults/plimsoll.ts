import { breaker, bulkhead, concurrencyLimit, type Part, policy, retry, timeout } from '@plimsoll/resilience'
import { installedVersion } from '../versions.ts'
import type { Library } from './library.ts'
import { seededRandom } from './random.ts'

let made = 0

/** Retry, breaker, limit, timeout, from the outside in: the order of its readme. */
export const plimsoll: Library = {
  name: 'plimsoll',
  version: installedVersion('@plimsoll/resilience'),
  lacks: {},
  make(wanted, clock) {
    const parts: Part[] = []
    if (wanted.retry !== undefined) {
      const { attempts, ...backoff } = wanted.retry
      // A fixed delay is the middle of a range that is drawn from at its middle.
      const range =
        'delayMs' in backoff
          ? { baseMs: backoff.delayMs * 2, maxMs: backoff.delayMs * 2, budget: { ratio: 10 } }
          : backoff
      parts.push(retry({ attempts, idempotent: true, ...range }))
    }
    if (wanted.breaker !== undefined) {
      parts.push(breaker({ ...wanted.breaker, window: { ms: 10_000 }, failureRate: 0.5, openFactor: 1, probes: 1 }))
    }
    if (wanted.adaptiveLimit) parts.push(concurrencyLimit({}))
    if (wanted.bulkhead !== undefined) parts.push(bulkhead(wanted.bulkhead))
    if (wanted.timeoutMs !== undefined) parts.push(timeout(wanted.timeoutMs))
    const fixed = wanted.retry !== undefined && 'delayMs' in wanted.retry
    const random = fixed ? () => 0.5 : seededRandom(made)
    const stack = policy(`subject-${made++}`, parts, { clock, random })
    return {
      run: (work, options) => stack.run(work, options),
      state: () => stack.breaker?.state ?? 'none',
      failureRate: () => stack.snapshot().breaker?.failureRate ?? null,
      // There is nothing to dispose of.
      dispose() {}
    }
  }
}
