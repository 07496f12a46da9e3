import { Answer, NO_OPTIONS, type RunOptions } from './answer.ts'
import type { BreakerControl, BreakerSnapshot } from './breaker/breaker.ts'
import type { BulkheadSnapshot } from './bulkhead/bulkhead.ts'
import type { CacheSnapshot } from './cache/cache.ts'
import type { Call, Context, Step, Work } from './call.ts'
import { type Clock, systemClock } from './clock.ts'
import type { ConcurrencyLimitSnapshot } from './concurrency-limit/limiter.ts'
import { deadline } from './deadline.ts'
import { type EventStream, type EventStreamOptions, eventStream } from './event-stream.ts'
import type { PolicyHappening, PolicyListener } from './events.ts'
import type { HedgeSnapshot } from './hedge/hedge.ts'
import { Invoke } from './invocation.ts'
import { checkOrder } from './order.ts'
import type { Outcome } from './outcome.ts'
import type { Bound, Part, PartKind, Site } from './part.ts'
import type { RateLimitSnapshot } from './rate-limit/rate-limit.ts'
import type { BudgetUse, RetryBudget } from './retry/budget.ts'
import { newTally, type Tally } from './tally.ts'

export interface PolicyOptions {
  /** Default `systemClock`. */
  clock?: Clock
  /** From 0 up to 1, for the jitter. Default `Math.random`. */
  random?: () => number
}

/** What a policy counted, and how its parts stand, for metrics. A part that it does not have is absent. */
export interface PolicySnapshot extends Readonly<Tally> {
  readonly policy: string
  readonly inFlight: number
  readonly breaker?: BreakerSnapshot
  readonly bulkhead?: BulkheadSnapshot
  readonly rateLimit?: RateLimitSnapshot
  readonly concurrencyLimit?: ConcurrencyLimitSnapshot
  readonly cache?: CacheSnapshot
  /** The budget that its retries take from: the calls and the retries of the last 10 s, of all who share it. */
  readonly retry?: { calls: number; retries: number }
  readonly hedge?: HedgeSnapshot
}

/** How calls to a dependency are made. A value: made once, named, used by everyone. It holds nothing to be closed. */
export interface Policy<Added = never> {
  readonly name: string
  /** By which its deadlines are instants: `policy.clock.now() + 250`. */
  readonly clock: Clock
  /** The breaker's handle; null without a breaker. */
  readonly breaker: BreakerControl | null
  /**
   * Calls `work` by the policy's rules. Rejects with the function's error, a `ResilienceError`, the signal's reason, or a
   * `RangeError` for options that can only be a mistake.
   */
  run<T>(work: (context: Context) => T | PromiseLike<T>, options?: RunOptions): Promise<T | Added>
  /** As `run`, but tells how it ended, and whether the answer is fresh. Rejects for options that can only be a mistake. */
  outcome<T>(work: (context: Context) => T | PromiseLike<T>, options?: RunOptions): Promise<Outcome<T | Added>>
  /** What it will do, in words. */
  explain(): string
  /** Hears what the policy does, until the returned function is called. A listener that throws is counted, not obeyed. */
  on(listener: PolicyListener): () => void
  /** The same as an async iterator, with a buffer of limited size. */
  events(options?: EventStreamOptions): EventStream
  snapshot(): PolicySnapshot
}

/** What the parts may answer with on top of the function's own result. */
type Added<Parts extends readonly unknown[]> = Parts[number] extends infer P
  ? P extends Part<infer A>
    ? A
    : never
  : never

const ONCE: ReadonlySet<PartKind> = new Set([
  'deadline',
  'retry',
  'hedge',
  'breaker',
  'bulkhead',
  'rate-limit',
  'concurrency-limit',
  'cache'
])

/**
 * A policy of `parts`, the outermost first.
 *
 * A good order: fallback, cache, deadline, retry, breaker, hedge, rate limit, bulkhead or concurrency limit, timeout.
 * Each part's state is this policy's alone, even when the same part is put into two; only retry budgets are shared, by
 * name.
 * @throws RangeError when the name is empty, a part other than `timeout` and `fallback` is given twice, or one stands
 * inside of another where it does harm.
 */
export function policy<const Parts extends readonly Part<unknown>[]>(
  name: string,
  parts: Parts,
  { clock = systemClock, random = Math.random }: PolicyOptions = {}
): Policy<Added<Parts>> {
  if (name === '') throw new RangeError('a policy has a name: its errors, events and metrics carry it')
  for (const kind of ONCE) {
    if (parts.filter(part => part.kind === kind).length > 1) throw new RangeError(`${name}: more than one ${kind}`)
  }
  checkOrder(
    name,
    parts.map(part => part.kind)
  )
  return new ComposedPolicy<Added<Parts>>(name, parts, clock, random)
}

class ComposedPolicy<A> implements Policy<A>, Site {
  readonly policy: string
  readonly clock: Clock
  readonly random: () => number
  readonly tally = newTally()
  readonly budgets = new Map<RetryBudget, BudgetUse>()
  readonly breaker: BreakerControl | null
  readonly #parts: readonly Part<unknown>[]
  readonly #bound = new Map<PartKind, Bound>()
  readonly #first: Step
  readonly #listeners = new Set<PolicyListener>()

  constructor(name: string, parts: readonly Part<unknown>[], clock: Clock, random: () => number) {
    this.policy = name
    this.clock = clock
    this.random = random
    this.#parts = [...parts]
    let step: Step = new Invoke(this)
    for (const part of withDeadline(parts).toReversed()) {
      const bound = part.bind(this, step)
      this.#bound.set(part.kind, bound)
      step = bound
    }
    this.#first = step
    this.breaker = (this.#bound.get('breaker')?.control as BreakerControl | undefined) ?? null
  }

  get name(): string {
    return this.policy
  }

  run<T>(work: (context: Context) => T | PromiseLike<T>, options: RunOptions = NO_OPTIONS): Promise<T | A> {
    return this.#begin(work, options, true) as Promise<T | A>
  }

  outcome<T>(
    work: (context: Context) => T | PromiseLike<T>,
    options: RunOptions = NO_OPTIONS
  ): Promise<Outcome<T | A>> {
    return this.#begin(work, options, false) as Promise<Outcome<T | A>>
  }

  explain(): string {
    const lines = this.#parts.map((part, i) => ` ${i + 1}. ${part.explain()}.`)
    return [`${this.policy}: each call goes through these parts, the first being the outermost.`, ...lines].join('\n')
  }

  on(listener: PolicyListener): () => void {
    const own: PolicyListener = (event, work) => listener(event, work)
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  events(options?: EventStreamOptions): EventStream {
    return eventStream(listener => this.on(listener), options)
  }

  emit(happening: PolicyHappening, call?: Call): void {
    if (this.#listeners.size === 0) return
    const event = { policy: this.policy, at: this.clock.wallNow(), ...happening }
    for (const listener of this.#listeners) {
      try {
        listener(event, call?.work ?? null)
      } catch {
        this.tally.listenerErrors++
      }
    }
  }

  snapshot(): PolicySnapshot {
    const { calls, ok, failed, rejected, aborted } = this.tally
    const parts = [...this.#bound].flatMap(([kind, bound]) =>
      bound.snapshot ? [[camelCase(kind), bound.snapshot()] as const] : []
    )
    return {
      policy: this.policy,
      ...this.tally,
      inFlight: calls - ok - failed - rejected - aborted,
      ...Object.fromEntries(parts)
    }
  }

  #begin(work: Work, options: RunOptions, rejects: boolean): Promise<unknown> {
    const promise = new Promise<unknown>(take)
    const { resolve, reject } = taken
    taken.resolve = taken.reject = nobody
    try {
      const answer = new Answer(work, this.clock.now(), options, this.tally, resolve, rejects ? reject : null)
      // Not before: options that cannot be are a mistake in the program and no call.
      this.tally.calls++
      if (answer.listen()) this.#first.enter(answer, answer)
    } catch (error) {
      reject(error)
    }
    return promise
  }
}

const nobody = (_: unknown) => {}

/**
 * How the promise that was just made is settled, for whoever made it to take in the same breath. One executor for all
 * promises, because a closure a call is felt.
 */
const taken = { resolve: nobody, reject: nobody }
const take = (resolve: (value: unknown) => void, reject: (error: unknown) => void) => {
  taken.resolve = resolve
  taken.reject = reject
}

const camelCase = (kind: string) => kind.replace(/-./g, hyphened => hyphened[1]!.toUpperCase())

/** The deadline of `run` holds in every policy: without a part of its own, just inside the leading fallbacks and caches. */
function withDeadline(parts: readonly Part<unknown>[]): readonly Part<unknown>[] {
  if (parts.some(part => part.kind === 'deadline')) return parts
  const inside = parts.findIndex(part => part.kind !== 'fallback' && part.kind !== 'cache')
  const at = inside === -1 ? parts.length : inside
  return [...parts.slice(0, at), deadline(Infinity), ...parts.slice(at)]
}
