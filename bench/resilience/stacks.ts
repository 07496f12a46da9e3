import { breaker, bulkhead, policy, retry, timeout } from '@plimsoll/resilience'
import * as cockatiel from 'cockatiel'
import CircuitBreaker from 'opossum'

/**
 * The same stack in each library: up to 3 attempts with growing back-offs, a breaker that opens when half of the calls of
 * the last 10 s fail from 20 on and rests for 5 s, 100 calls at once and none that waits, 1 s for an attempt whether the
 * function looks at its signal or not. Everything else as it comes.
 */
const ATTEMPTS = 3
const WINDOW_MS = 10_000
const MINIMUM_CALLS = 20
const OPEN_MS = 5_000
const CONCURRENCY = 100
const TIMEOUT_MS = 1_000

/** One call of the trivial function through one stack. */
export type Caller = () => Promise<number>

const trivial = async () => 1

/** Each makes a stack of its own, with a state of its own. */
export const stacks = {
  bare: () => trivial,
  plimsoll,
  cockatiel: () => cockatielStack(cockatiel.TimeoutStrategy.Aggressive),
  /** Its cheaper timeout, which ends nothing: it tells the function and waits for it. */
  'cockatiel-cooperative': () => cockatielStack(cockatiel.TimeoutStrategy.Cooperative),
  opossum: () => opossumStack({}),
  /** Without the latencies and the snapshots that it keeps by default. */
  'opossum-lean': () => opossumStack({ rollingPercentilesEnabled: false, enableSnapshots: false })
} satisfies Record<string, () => Caller>

export type StackName = keyof typeof stacks

let made = 0

/** Settings only: each policy that they are put into has a state of its own. */
const parts = [
  retry({ attempts: ATTEMPTS, idempotent: true }),
  breaker({ window: { ms: WINDOW_MS }, minimumCalls: MINIMUM_CALLS, failureRate: 0.5, openMs: OPEN_MS }),
  bulkhead({ concurrency: CONCURRENCY }),
  timeout(TIMEOUT_MS)
]

function plimsoll(): Caller {
  const stack = policy(`stack-${made++}`, parts)
  return () => stack.run(trivial)
}

function cockatielStack(strategy: cockatiel.TimeoutStrategy): Caller {
  const stack = cockatiel.wrap(
    // What it calls attempts are retries.
    cockatiel.retry(cockatiel.handleAll, { maxAttempts: ATTEMPTS - 1, backoff: new cockatiel.ExponentialBackoff() }),
    cockatiel.circuitBreaker(cockatiel.handleAll, {
      halfOpenAfter: OPEN_MS,
      breaker: new cockatiel.SamplingBreaker({
        threshold: 0.5,
        duration: WINDOW_MS,
        minimumRps: MINIMUM_CALLS / (WINDOW_MS / 1_000)
      })
    }),
    cockatiel.bulkhead(CONCURRENCY, 0),
    cockatiel.timeout(TIMEOUT_MS, strategy)
  )
  return () => stack.execute(trivial)
}

/** It has no retry, and goes without one: less work than the others do. */
function opossumStack(rest: CircuitBreaker.Options): Caller {
  const stack = new CircuitBreaker(trivial, {
    timeout: TIMEOUT_MS,
    rollingCountTimeout: WINDOW_MS,
    rollingCountBuckets: 10,
    volumeThreshold: MINIMUM_CALLS,
    errorThresholdPercentage: 50,
    resetTimeout: OPEN_MS,
    capacity: CONCURRENCY,
    ...rest
  })
  return () => stack.fire()
}
