import type { Meter, Tracer } from '@opentelemetry/api'
import type { RunOptions } from '../answer.ts'
import type { Work } from '../call.ts'
import type { Outcome } from '../outcome.ts'
import type { Policy } from '../policy.ts'
import { reportMetrics } from './metrics.ts'
import { CallTracer } from './spans.ts'

export interface InstrumentOptions {
  /** Reports the policy's metrics. Default: none are. */
  meter?: Meter
  /** Tells in the active span what the policy does. Default: nothing is traced. */
  tracer?: Tracer
  /** A span for each call, which then is the one that is told. Needs `tracer`. Default false. */
  spans?: boolean
}

/** The policy, watched until it is disposed of. After that it is the policy and no more. */
export interface InstrumentedPolicy<A> extends Policy<A>, Disposable {}

/**
 * Shows a policy to OpenTelemetry, of which it needs the API only.
 *
 * Metrics hold for all calls of the policy, whoever makes them. Spans are told of the calls that are made through what is
 * given back. What happens to no call in particular, as a breaker's change of state, is in the metrics only.
 * @throws RangeError when `spans` is asked for without a `tracer`.
 */
export function instrument<A>(
  policy: Policy<A>,
  { meter, tracer, spans = false }: InstrumentOptions
): InstrumentedPolicy<A> {
  if (spans && tracer === undefined) throw new RangeError(`${policy.name}: spans need a tracer`)
  const ends: (() => void)[] = []
  if (meter !== undefined) ends.push(reportMetrics(policy, meter))
  let calls: CallTracer | null = null
  if (tracer !== undefined) {
    calls = new CallTracer(policy.name, spans ? tracer : null)
    ends.push(policy.on(calls.hear))
  }
  return {
    name: policy.name,
    clock: policy.clock,
    breaker: policy.breaker,
    explain: () => policy.explain(),
    on: listener => policy.on(listener),
    events: options => policy.events(options),
    snapshot: () => policy.snapshot(),
    async run<T>(work: Work<T>, options?: RunOptions): Promise<T | A> {
      if (calls === null) return policy.run(work, options)
      const outcome = await this.outcome(work, options)
      if (outcome.kind === 'ok') return outcome.value
      throw outcome.error
    },
    outcome<T>(work: Work<T>, options?: RunOptions): Promise<Outcome<T | A>> {
      if (calls === null) return policy.outcome(work, options)
      return calls.outcome<T | A>((wrapped, given) => policy.outcome(wrapped, given), work, options)
    },
    [Symbol.dispose]() {
      calls = null
      for (const end of ends.splice(0)) end()
    }
  }
}
