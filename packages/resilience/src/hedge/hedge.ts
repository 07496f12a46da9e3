import type { Call, Frame, Step } from '../call.ts'
import { type Bound, checkMs, checkShare, checkWhole, type Part, type Site } from '../part.ts'
import { type BudgetUse, explainBudget, type NamedBudget, useBudget } from '../retry/budget.ts'
import { TimerLine } from '../timer-line.ts'
import { HedgedCall } from './hedged-call.ts'
import { LatencyWindow } from './latencies.ts'

export interface HedgeOptions {
  /**
   * After how many milliseconds the second call begins. Given without `quantile` it is fixed; with it, it holds until
   * `minimumCalls` have been seen. Default: until then no second call begins.
   */
  afterMs?: number
  /** Begins the second call when the first has taken longer than this share of the calls do. Default 0.95. */
  quantile?: number
  /** Below this many calls in the window the quantile is not taken for known. Default 20. */
  minimumCalls?: number
  /** How far back the quantile looks, in milliseconds. Default 30,000. */
  windowMs?: number
  /** Whether the calls may be made twice without harm. `run` can say it for one call. Default false: none is hedged. */
  idempotent?: boolean
  /** Whoever names the same budget shares it, retries too. Default: the policy's own name, 20 % and 3 a second. */
  budget?: NamedBudget
}

export interface HedgeSnapshot {
  /** After how many milliseconds a second call would begin now; Infinity while that is not known. */
  afterMs: number
  /** How many calls of the window it is drawn from. */
  measured: number
  /** The calls and the retries and hedges of the last 10 s, of all who share the budget. */
  budget: { calls: number; retries: number }
}

type Settings = Required<Omit<HedgeOptions, 'budget' | 'quantile'>> & { quantile: number | null }

/**
 * Makes a call that is slow a second time, and takes the answer that comes first: a hedged request (Dean and Barroso, "The
 * tail at scale", 2013).
 *
 * Slow is what takes longer than the p95 of the calls before it, so that about one call in twenty is made twice. Only calls
 * that are said to be idempotent are, only while the budget that hedges share with retries lasts, and only when the
 * deadline leaves time for it. The time counts from when the function was called: one that still waits for a slot is not
 * slow, and a second one would wait behind it.
 *
 * The loser's signal is aborted with a `HedgeLostError`, and what it says is counted as `late`. An error does not answer
 * while the other call may still succeed. When both fail, the first call's error is the answer, unless that call was turned
 * away by a part and the second was not. A first call that fails before it is slow fails at once: repeating is for `retry`.
 * @throws RangeError for settings out of range.
 */
export function hedge(options: HedgeOptions = {}): Part {
  const { afterMs, quantile = afterMs === undefined ? 0.95 : null, budget = {} } = options
  const settings: Settings = {
    afterMs: afterMs === undefined ? Infinity : checkMs('afterMs', afterMs),
    quantile: quantile === null ? null : checkShare('quantile', quantile),
    minimumCalls: checkWhole('minimumCalls', options.minimumCalls ?? 20, 1),
    windowMs: checkMs('windowMs', options.windowMs ?? 30_000),
    idempotent: options.idempotent ?? false
  }
  return {
    kind: 'hedge',
    explain: () => `${explain(settings)}; hedges ${explainBudget(budget)}`,
    bind: (site, next) => new Hedge(settings, useBudget(site, budget), site, next)
  }
}

function explain({ afterMs, quantile, minimumCalls, windowMs, idempotent }: Settings): string {
  const which = idempotent ? '' : ' for calls that say they are idempotent'
  const until = afterMs === Infinity ? `none until ${minimumCalls} are known` : `${afterMs} ms until then`
  const slow =
    quantile === null
      ? `${afterMs} ms`
      : `${Number((quantile * 100).toFixed(2))} % of the calls of the last ${windowMs} ms do (from ${minimumCalls} calls on; ${until})`
  return `hedge: a second call${which} when the first takes longer than ${slow}; the first answer wins`
}

export class Hedge implements Bound {
  readonly site: Site
  readonly next: Step
  readonly line: TimerLine
  readonly budget: BudgetUse['budget']
  /** Null when the time is fixed. */
  readonly latencies: LatencyWindow | null
  readonly #use: BudgetUse
  readonly #settings: Settings

  constructor(settings: Settings, use: BudgetUse, site: Site, next: Step) {
    this.#settings = settings
    this.#use = use
    this.budget = use.budget
    this.site = site
    this.next = next
    this.line = new TimerLine(site.clock)
    this.latencies = settings.quantile === null ? null : new LatencyWindow(settings.windowMs, settings.quantile)
  }

  enter(call: Call, parent: Frame): void {
    // A try of a retry further out is no call of its own: the share is one of calls.
    if (this.#use.pays && call.attempt === 1) this.budget.deposit(call.at)
    if (call.idempotent ?? this.#settings.idempotent) new HedgedCall(this, call, parent).start(this.#afterMs(call.at))
    else this.next.enter(call, parent)
  }

  snapshot(): HedgeSnapshot {
    const afterMs = this.#afterMs(this.site.clock.now())
    return { afterMs, measured: this.latencies?.count ?? 0, budget: this.budget.snapshot() }
  }

  #afterMs(now: number): number {
    const { latencies } = this
    if (latencies === null) return this.#settings.afterMs
    latencies.expire(now)
    return latencies.count < this.#settings.minimumCalls ? this.#settings.afterMs : latencies.value()
  }
}
