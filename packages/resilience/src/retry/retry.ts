import type { Call, Frame, Leaf, Step } from '../call.ts'
import type { TimerHandle } from '../clock.ts'
import { RetryBudgetExhaustedError } from '../errors.ts'
import { type Bound, checkMs, checkWhole, type Part, type Site } from '../part.ts'
import { backoffMs } from './backoff.ts'
import { type BudgetUse, explainBudget, type NamedBudget, type RetryBudget, useBudget } from './budget.ts'
import { retryAfterMs, retryAfterOf } from './retry-after.ts'
import { isRetryable } from './retryable.ts'

export interface RetryOptions {
  /** How often the function is called at most, the first time included. Default 3. */
  attempts?: number
  /** The first back-off is drawn from 0 to this many milliseconds; the range doubles each time. Default 50. */
  baseMs?: number
  /** No back-off is longer than this, save for a `Retry-After`. Default 2,000. */
  maxMs?: number
  /** Default `full`. */
  jitter?: 'full' | 'decorrelated'
  /** Whether the calls may be made twice without harm. `run` can say it for one call. Default false: nothing is retried. */
  idempotent?: boolean
  /** Which errors are worth another try. Default `isRetryable`. */
  when?: (error: unknown) => boolean
  /** What an error says about when to come back, in milliseconds. Default: its `retryAfterMs` or `Retry-After` header. */
  retryAfter?: (error: unknown) => number | null
  /** Asked to wait longer than this, the call fails at once instead. Default 10,000. */
  maxRetryAfterMs?: number
  /**
   * The wait that was asked for grows by a random share of itself, from 0 to this. Default 0.5: all who were told "in 2 s"
   * come back in the course of the next second, as Envoy has them.
   */
  retryAfterJitter?: number
  /** Whoever names the same budget shares it, hedges too. Default: the policy's own name, 20 % and 3 a second. */
  budget?: NamedBudget
}

type Settings = Required<Omit<RetryOptions, 'retryAfter' | 'budget'>> & Pick<RetryOptions, 'retryAfter'>

/**
 * Calls again what has failed, after a back-off with jitter, while its budget lasts: only calls that are said to be
 * idempotent, never beyond the deadline, never for a caller who has left.
 *
 * When no try is left the last error is the call's; when the budget is spent it is the cause of a
 * `RetryBudgetExhaustedError`, which no retry further out takes up again.
 * @throws RangeError for settings out of range.
 */
export function retry(options: RetryOptions = {}): Part {
  const { retryAfter, budget = {} } = options
  const settings: Settings = {
    attempts: checkWhole('attempts', options.attempts ?? 3, 1),
    baseMs: checkMs('baseMs', options.baseMs ?? 50, { zero: true }),
    maxMs: checkMs('maxMs', options.maxMs ?? 2_000, { zero: true }),
    maxRetryAfterMs: checkMs('maxRetryAfterMs', options.maxRetryAfterMs ?? 10_000, { zero: true, endless: true }),
    retryAfterJitter: checkJitter(options.retryAfterJitter ?? 0.5),
    jitter: options.jitter ?? 'full',
    idempotent: options.idempotent ?? false,
    when: options.when ?? isRetryable,
    ...(retryAfter && { retryAfter })
  }
  return {
    kind: 'retry',
    explain: () => explain(settings, budget),
    bind(site, next) {
      return new BoundRetry(settings, useBudget(site, budget), site, next)
    }
  }
}

function checkJitter(share: number): number {
  if (share >= 0 && share <= 1) return share
  throw new RangeError(`retryAfterJitter is a share from 0 to 1, not ${share}`)
}

function explain({ attempts, baseMs, maxMs, jitter, idempotent }: Settings, budget: NamedBudget): string {
  const which = idempotent ? 'up to' : 'only calls that say they are idempotent, up to'
  const share = explainBudget(budget)
  return `retry: ${which} ${attempts} attempts, ${jitter} jitter from ${baseMs} ms up to ${maxMs} ms, retries ${share}`
}

class BoundRetry implements Bound {
  readonly settings: Settings
  readonly budget: RetryBudget
  readonly site: Site
  readonly next: Step
  readonly #use: BudgetUse

  constructor(settings: Settings, use: BudgetUse, site: Site, next: Step) {
    this.settings = settings
    this.budget = use.budget
    this.site = site
    this.next = next
    this.#use = use
  }

  enter(call: Call, parent: Frame): void {
    const { settings } = this
    if (this.#use.pays) this.budget.deposit(call.at)
    if (settings.attempts === 1 || !(call.idempotent ?? settings.idempotent)) this.next.enter(call, parent)
    else this.next.enter(call, new RetryFrame(this, call, parent))
  }

  snapshot() {
    return this.budget.snapshot()
  }
}

type StopReason = 'attempts' | 'budget' | 'deadline' | 'retry-after'

class RetryFrame implements Frame, Leaf {
  readonly #retry: BoundRetry
  readonly #call: Call
  readonly #parent: Frame
  #attempts = 1
  #lastMs = 0
  #timer: TimerHandle

  constructor(retry: BoundRetry, call: Call, parent: Frame) {
    this.#retry = retry
    this.#call = call
    this.#parent = parent
  }

  ok(value: unknown): void {
    this.#parent.ok(value)
  }

  fail(error: unknown): void {
    if (this.#call.interruptedBy !== null) {
      this.#parent.fail(error)
      return
    }
    const { settings, site } = this.#retry
    let asked: number | null
    try {
      if (!settings.when(error)) {
        this.#parent.fail(error)
        return
      }
      const { retryAfter } = settings
      asked = retryAfter === undefined ? retryAfterOf(error, site.clock.wallNow()) : retryAfter(error)
    } catch (thrown) {
      this.#parent.fail(thrown)
      return
    }
    this.#again(error, asked)
  }

  interrupt(reason: unknown): void {
    this.#retry.site.clock.clearTimer(this.#timer)
    this.#parent.fail(reason)
  }

  #again(error: unknown, asked: number | null): void {
    const { settings, site } = this.#retry
    const { clock, random, tally } = site
    this.#lastMs = backoffMs(settings, this.#attempts, this.#lastMs, random)
    const delayMs = retryAfterMs(asked ?? 0, settings.retryAfterJitter, random) + this.#lastMs
    const reason = this.#reasonToStop(asked, delayMs, clock.now())
    if (reason !== null) {
      this.#stop(reason, error)
      return
    }
    tally.retries++
    site.emit({ type: 'retry', attempt: this.#attempts + 1, delayMs, error }, this.#call)
    if (this.#call.waitFor(this)) this.#timer = clock.setTimer(() => this.#wake(), delayMs)
  }

  #reasonToStop(asked: number | null, delayMs: number, now: number): StopReason | null {
    const { settings, budget } = this.#retry
    if (this.#attempts >= settings.attempts) return 'attempts'
    if (asked !== null && asked > settings.maxRetryAfterMs) return 'retry-after'
    if (now + delayMs + this.#call.leastMs > this.#call.deadline) return 'deadline'
    return budget.withdraw(now) ? null : 'budget'
  }

  #wake(): void {
    this.#call.leaf = null
    this.#attempts++
    this.#call.attempt = this.#attempts
    this.#call.at = this.#retry.site.clock.now()
    this.#retry.next.enter(this.#call, this)
  }

  #stop(reason: StopReason, error: unknown): void {
    const { site } = this.#retry
    site.emit({ type: 'retry.stopped', attempts: this.#attempts, reason, error }, this.#call)
    if (reason === 'budget') site.tally.retriesDenied++
    this.#parent.fail(reason === 'budget' ? new RetryBudgetExhaustedError(site.policy, this.#attempts, error) : error)
  }
}
