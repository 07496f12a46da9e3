import type { Clock } from '../clock.ts'
import { checkWhole, type Site } from '../part.ts'

export interface RetryBudgetOptions {
  /** Retries for each call, over the last 10 s: 0.2 = one retry for five calls. Default 0.2. */
  ratio?: number
  /** This many retries in a second are allowed in any case, so that a rare caller can retry at all. Default 3. */
  minPerSecond?: number
}

const SECONDS = 10

/**
 * How much a dependency can be retried, whoever retries: a share of the calls of the last 10 seconds, as in Finagle.
 *
 * Without it three tries in each of three layers make 27 calls of one, just when the dependency has least to give. What
 * calls have paid in expires after 10 s, so that a quiet hour does not save up for a storm.
 */
export class RetryBudget {
  readonly ratio: number
  readonly minPerSecond: number
  /** Of the present second, kept in fields until it is over: a call then touches nothing but this object. */
  #newCalls = 0
  #newRetries = 0
  #second = 0
  #callSum = 0
  #retrySum = 0
  readonly #clock: Clock
  /** Of the seconds before it. */
  readonly #calls = new Float64Array(SECONDS)
  readonly #retries = new Float64Array(SECONDS)

  constructor({ ratio = 0.2, minPerSecond = 3 }: RetryBudgetOptions, clock: Clock) {
    if (!(ratio >= 0 && ratio <= 10)) throw new RangeError(`a retry budget's ratio is from 0 to 10, not ${ratio}`)
    this.ratio = ratio
    this.minPerSecond = checkWhole("a retry budget's minPerSecond", minPerSecond, 0)
    this.#clock = clock
    this.#second = Math.floor(clock.now() / 1000)
  }

  /** A call pays in. `now` is the clock's `now()`. */
  deposit(now: number): void {
    this.#moveTo(now)
    this.#newCalls++
    this.#callSum++
  }

  /** Takes one retry out. False, and nothing taken, when there is none left. */
  withdraw(now: number): boolean {
    this.#moveTo(now)
    const allowed = this.#retrySum + 1 <= this.#callSum * this.ratio || this.#newRetries < this.minPerSecond
    if (!allowed) return false
    this.#newRetries++
    this.#retrySum++
    return true
  }

  snapshot(): { calls: number; retries: number } {
    this.#moveTo(this.#clock.now())
    return { calls: this.#callSum, retries: this.#retrySum }
  }

  #moveTo(now: number): void {
    const second = Math.floor(now / 1000)
    const steps = Math.min(second - this.#second, SECONDS)
    if (steps <= 0) return
    const present = this.#second % SECONDS
    this.#calls[present] = this.#newCalls
    this.#retries[present] = this.#newRetries
    this.#newCalls = this.#newRetries = 0
    for (let i = 1; i <= steps; i++) {
      const slot = (this.#second + i) % SECONDS
      this.#callSum -= this.#calls[slot]!
      this.#retrySum -= this.#retries[slot]!
      this.#calls[slot] = 0
      this.#retries[slot] = 0
    }
    this.#second = second
  }
}

/** Weakly held, so that a budget nobody uses any more can go. Clocks are told apart, so that tests are too. */
const registry = new WeakMap<Clock, Map<string, WeakRef<RetryBudget>>>()
const gone = new FinalizationRegistry<{ names: Map<string, WeakRef<RetryBudget>>; name: string }>(
  ({ names, name }) => void (names.get(name)?.deref() === undefined && names.delete(name))
)

/**
 * The one budget of that name in this process.
 * @throws RangeError when it exists with other settings: one of the two would silently not hold.
 */
export function sharedBudget(name: string, options: RetryBudgetOptions, clock: Clock): RetryBudget {
  const names = registry.get(clock) ?? new Map<string, WeakRef<RetryBudget>>()
  registry.set(clock, names)
  const budget = new RetryBudget(options, clock)
  const found = names.get(name)?.deref()
  if (found === undefined) {
    names.set(name, new WeakRef(budget))
    gone.register(budget, { names, name })
    return budget
  }
  if (found.ratio !== budget.ratio || found.minPerSecond !== budget.minPerSecond) {
    throw new RangeError(
      `the retry budget ${name} exists with ratio ${found.ratio} and ${found.minPerSecond} a second: give all its users the same settings`
    )
  }
  return found
}

/** What a part says about its budget. */
export type NamedBudget = RetryBudgetOptions & { name?: string }

/** One part's use of a budget. */
export class BudgetUse {
  readonly budget: RetryBudget
  /** Whether this part pays the calls in: of those in a policy that share a budget the outermost does, so each pays once. */
  pays = true

  constructor(budget: RetryBudget) {
    this.budget = budget
  }
}

/**
 * The budget for a part of `site`. Parts are bound from the innermost on: whoever asks later stands further out.
 * @throws RangeError when it exists with other settings.
 */
export function useBudget(site: Site, options: NamedBudget): BudgetUse {
  const use = new BudgetUse(sharedBudget(options.name ?? site.policy, options, site.clock))
  const inner = site.budgets.get(use.budget)
  if (inner !== undefined) inner.pays = false
  site.budgets.set(use.budget, use)
  return use
}

/** In words. */
export const explainBudget = ({ ratio = 0.2, minPerSecond = 3 }: RetryBudgetOptions): string =>
  `within ${ratio * 100} % of the calls, or ${minPerSecond} a second`
