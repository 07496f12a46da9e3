import type { Call, Frame, Leaf, Step } from '../call.ts'
import type { TimerHandle } from '../clock.ts'
import { RetryBudgetExhaustedError } from '../errors.ts'
import { type Bound, checkMs, checkWhole, type Part, type Site } from '../part.ts'
import { backoffMs } from './backoff.ts'
import { type BudgetUse, explainBudget, type NamedBudget, type RetryBudget, useBudget } from './budget.ts'
import { retryAfterOf } from './retry-after.ts'
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
    jitter: options.jitter ?? 'full',
    idempotent: options.idempotent ?? false,
    when: options.when ?? isRetryable,
    ...(retryAfter && { retryAfter })
  }
  return {
    kind: 'retry',
    explain: () => explain(settings, budget),
    bind(site, next) {
      return bindRetry(settings, useBudget(site, budget), site, next)
    }
  }
}

function explain({ attempts, baseMs, maxMs, jitter, idempotent }: Settings, budget: NamedBudget): string {
  const which = idempotent ? 'up to' : 'only calls that say they are idempotent, up to'
  const share = explainBudget(budget)
  return `retry: ${which} ${attempts} attempts, ${jitter} jitter from ${baseMs} ms up to ${maxMs} ms, retries ${share}`
}

function bindRetry(settings: Settings, { budget, pays }: BudgetUse, site: Site, next: Step): Bound {
  return {
    enter(call, parent) {
      if (pays) budget.deposit(call.at)
      if (settings.attempts === 1 || !(call.idempotent ?? settings.idempotent)) next(call, parent)
      else next(call, new RetryFrame(settings, budget, site, next, call, parent))
    },
    snapshot: () => budget.snapshot()
  }
}

type StopReason = 'attempts' | 'budget' | 'deadline' | 'retry-after'

class RetryFrame implements Frame, Leaf {
  readonly #settings: Settings
  readonly #budget: RetryBudget
  readonly #site: Site
  readonly #next: Step
  readonly #call: Call
  readonly #parent: Frame
  #attempts = 1
  #lastMs = 0
  #timer: TimerHandle

  constructor(settings: Settings, budget: RetryBudget, site: Site, next: Step, call: Call, parent: Frame) {
    this.#settings = settings
    this.#budget = budget
    this.#site = site
    this.#next = next
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
    let asked: number | null
    try {
      if (!this.#settings.when(error)) {
        this.#parent.fail(error)
        return
      }
      const { retryAfter } = this.#settings
      asked = retryAfter === undefined ? retryAfterOf(error, this.#site.clock.wallNow()) : retryAfter(error)
    } catch (thrown) {
      this.#parent.fail(thrown)
      return
    }
    this.#again(error, asked)
  }

  interrupt(reason: unknown): void {
    this.#site.clock.clearTimer(this.#timer)
    this.#parent.fail(reason)
  }

  #again(error: unknown, asked: number | null): void {
    const { clock, random, tally } = this.#site
    this.#lastMs = backoffMs(this.#settings, this.#attempts, this.#lastMs, random)
    // Jitter on top of what was asked for: all who were told "in 5 s" would be back in the same instant.
    const delayMs = (asked ?? 0) + this.#lastMs
    const reason = this.#reasonToStop(asked, delayMs, clock.now())
    if (reason !== null) {
      this.#stop(reason, error)
      return
    }
    tally.retries++
    this.#site.emit({ type: 'retry', attempt: this.#attempts + 1, delayMs, error }, this.#call)
    if (this.#call.waitFor(this)) this.#timer = clock.setTimer(() => this.#wake(), delayMs)
  }

  #reasonToStop(asked: number | null, delayMs: number, now: number): StopReason | null {
    if (this.#attempts >= this.#settings.attempts) return 'attempts'
    if (asked !== null && asked > this.#settings.maxRetryAfterMs) return 'retry-after'
    if (now + delayMs + this.#call.leastMs > this.#call.deadline) return 'deadline'
    return this.#budget.withdraw(now) ? null : 'budget'
  }

  #wake(): void {
    this.#call.leaf = null
    this.#attempts++
    this.#call.attempt = this.#attempts
    this.#call.at = this.#site.clock.now()
    this.#next(this.#call, this)
  }

  #stop(reason: StopReason, error: unknown): void {
    this.#site.emit({ type: 'retry.stopped', attempts: this.#attempts, reason, error }, this.#call)
    if (reason === 'budget') this.#site.tally.retriesDenied++
    this.#parent.fail(
      reason === 'budget' ? new RetryBudgetExhaustedError(this.#site.policy, this.#attempts, error) : error
    )
  }
}
