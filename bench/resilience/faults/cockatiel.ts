import * as cockatiel from 'cockatiel'
import { installedVersion } from '../versions.ts'
import type { Library } from './library.ts'

const STATES = {
  [cockatiel.CircuitState.Closed]: 'closed',
  [cockatiel.CircuitState.Open]: 'open',
  [cockatiel.CircuitState.HalfOpen]: 'half-open',
  [cockatiel.CircuitState.Isolated]: 'isolated'
}

/** Retry, bulkhead, breaker, timeout: its bulkhead stands outside of its breaker, or its refusals would be failures there. */
export const cockatielLibrary: Library = {
  name: 'cockatiel',
  version: installedVersion('cockatiel'),
  lacks: { adaptiveLimit: 'has no adaptive limit', priority: 'has no priorities', retryAfter: 'knows no Retry-After' },
  make({ retry, breaker, bulkhead, timeoutMs, adaptiveLimit }) {
    if (adaptiveLimit) throw new Error('not offered')
    const parts: cockatiel.IPolicy[] = []
    if (retry !== undefined) {
      const backoff =
        'delayMs' in retry
          ? new cockatiel.ConstantBackoff(retry.delayMs)
          : new cockatiel.ExponentialBackoff({ initialDelay: retry.baseMs, maxDelay: retry.maxMs })
      // What it calls attempts are retries.
      parts.push(cockatiel.retry(cockatiel.handleAll, { maxAttempts: retry.attempts - 1, backoff }))
    }
    if (bulkhead !== undefined) parts.push(cockatiel.bulkhead(bulkhead.concurrency, bulkhead.queue))
    const circuit =
      breaker &&
      cockatiel.circuitBreaker(cockatiel.handleAll, {
        halfOpenAfter: breaker.openMs,
        breaker: new cockatiel.SamplingBreaker({
          threshold: 0.5,
          duration: 10_000,
          minimumRps: breaker.minimumCalls / 10
        })
      })
    if (circuit !== undefined) parts.push(circuit)
    if (timeoutMs !== undefined) parts.push(cockatiel.timeout(timeoutMs, cockatiel.TimeoutStrategy.Aggressive))
    const stack = cockatiel.wrap(...parts)
    return {
      run: (work, { signal } = {}) => stack.execute(context => work({ signal: context.signal }), signal) as never,
      state: () => (circuit === undefined ? 'none' : STATES[circuit.state]),
      failureRate: () => null,
      // It has no way, and needs none.
      dispose() {}
    }
  }
}
