import type { Call, Step } from './call.ts'
import type { Clock } from './clock.ts'
import type { PolicyHappening } from './events.ts'
import type { BudgetUse, RetryBudget } from './retry/budget.ts'
import type { Tally } from './tally.ts'

export type PartKind =
  | 'timeout'
  | 'deadline'
  | 'retry'
  | 'hedge'
  | 'breaker'
  | 'bulkhead'
  | 'rate-limit'
  | 'concurrency-limit'
  | 'fallback'
  | 'cache'

/** A part of a policy: settings only. Each policy that it is put into gives it a state of its own. */
export interface Part<Added = never> {
  readonly kind: PartKind
  /** One sentence on what it does, without the full stop. */
  explain(): string
  bind(site: Site, next: Step): Bound
  /** Never there: carries in the type what the part may answer with on top of the function's own result. */
  readonly adds?: () => Added
}

/** A part at work in a policy. */
export interface Bound extends Step {
  /** Its figures for the policy's snapshot. */
  snapshot?(): unknown
  /** The handle by which people steer it. */
  readonly control?: unknown
}

/** The policy, as its parts see it. */
export interface Site {
  readonly policy: string
  readonly clock: Clock
  readonly random: () => number
  readonly tally: Tally
  /** The budgets that its parts share, with the outermost part that uses each. */
  readonly budgets: Map<RetryBudget, BudgetUse>
  /** @param call the one it happened to, if it was to one. */
  emit(happening: PolicyHappening, call?: Call): void
}

/** @throws RangeError unless `value` is a number of milliseconds above zero (Infinity too where `endless`). */
export function checkMs(what: string, value: number, { zero = false, endless = false } = {}): number {
  const tooSmall = zero ? value < 0 : value <= 0
  if (Number.isNaN(value) || tooSmall || (value === Infinity && !endless)) {
    throw new RangeError(`${what} is a number of milliseconds ${zero ? '>= 0' : '> 0'}, not ${value}`)
  }
  return value
}

/** @throws RangeError unless `value` is a whole number, `least` or more. */
export function checkWhole(what: string, value: number, least: number): number {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new RangeError(`${what} is a whole number >= ${least}, not ${value}`)
  }
  return value
}

/** @throws RangeError unless `value` is a share above 0 and up to 1. */
export function checkShare(what: string, value: number): number {
  if (!(value > 0 && value <= 1)) throw new RangeError(`${what} is a share above 0 and up to 1, not ${value}`)
  return value
}
