import type { Call, Frame, Step } from '../call.ts'
import { BreakerOpenError, DeadlineExceededError, isRejection, withoutStack } from '../errors.ts'
import type { BreakerState } from '../events.ts'
import type { Bound, Part, Site } from '../part.ts'
import { type CallOutcome, Circuit, type Permit } from './circuit.ts'
import { slowDependency } from './preset.ts'
import { type BreakerOptions, type BreakerSettings, breakerSettings, explainBreaker } from './settings.ts'

/** The breaker of a policy, for the hand of an operator. */
export interface BreakerControl {
  readonly state: BreakerState
  /** Refuses every call until `reset`. */
  forceOpen(): void
  /** Lets every call through until `reset`, and goes on counting. */
  forceClosed(): void
  /** Lets every call through until `reset`, and counts nothing. */
  disable(): void
  /** Closed, with nothing remembered. */
  reset(): void
}

export interface BreakerSnapshot {
  state: BreakerState
  /** Of the calls in the window. */
  calls: number
  failureRate: number
  slowCallRate: number
  /** The share of the calls that it lets in: below 1 only in the ramp after half-open. Counted in the state `closed`. */
  admits: number
  /** Milliseconds until a refused call should come back; 0 when it lets calls in. */
  retryAfterMs: number
}

/**
 * Stops asking a dependency that fails or is slow, and finds out with a few probes when it is well again.
 *
 * What counts: the calls that reached what is inside. A call that its caller gave up, and one that a part further in
 * turned away (a full bulkhead, say) are neither success nor failure. A refused call fails with `BreakerOpenError`.
 * @throws RangeError for settings out of range.
 */
function breakerPart(options: BreakerOptions = {}): Part {
  const settings = breakerSettings(options)
  return {
    kind: 'breaker',
    explain: () => explainBreaker(settings),
    bind: (site, next) => bindBreaker(settings, site, next)
  }
}

export const breaker = Object.assign(breakerPart, {
  /** Ready-made settings. */
  preset: {
    /** `slowDependency` as a part; settings given here go before the preset's. */
    slowDependency: (over: BreakerOptions = {}): Part => breakerPart(slowDependency(over))
  }
})

function bindBreaker(settings: BreakerSettings, site: Site, next: Step): Bound {
  const { clock } = site
  const circuit = new Circuit(settings, (from, to, because) => site.emit({ type: 'breaker.state', from, to, because }))
  const control: BreakerControl = {
    get state() {
      return circuit.state(clock.now())
    },
    forceOpen: () => circuit.force('forced-open'),
    forceClosed: () => circuit.force('forced-closed'),
    disable: () => circuit.force('disabled'),
    reset: () => circuit.reset()
  }
  return {
    control,
    enter(call, parent) {
      const frame = new BreakerFrame(circuit, site, call, parent)
      if (circuit.admit(frame, call.at)) next(call, frame)
      else if (settings.shadow) {
        // Unseen by the circuit, as a refused call would be: its state stays what it would be in earnest.
        site.tally.breakerWouldReject++
        site.emit({ type: 'breaker.would-reject', retryAfterMs: circuit.retryAfterMs(call.at) }, call)
        next(call, parent)
      } else refuse(circuit, site, call, parent)
    },
    snapshot(): BreakerSnapshot {
      const now = clock.now()
      const state = circuit.state(now)
      circuit.window.expire(now)
      const { calls, failed, slow } = circuit.window
      const share = (n: number) => (calls === 0 ? 0 : n / calls)
      const shut = state === 'open' || state === 'forced-open'
      return {
        state,
        calls,
        failureRate: share(failed),
        slowCallRate: share(slow),
        admits: circuit.admits(now),
        retryAfterMs: shut ? circuit.retryAfterMs(now) : 0
      }
    }
  }
}

function refuse(circuit: Circuit, site: Site, call: Call, parent: Frame): void {
  const retryAfterMs = circuit.retryAfterMs(call.at)
  site.tally.breakerRejections++
  site.emit({ type: 'breaker.rejected', retryAfterMs }, call)
  parent.fail(withoutStack(() => new BreakerOpenError(site.policy, retryAfterMs)))
}

/** The call's place in the breaker, and its permit. */
class BreakerFrame implements Frame, Permit {
  generation = 0
  since = 0
  readonly #circuit: Circuit
  readonly #site: Site
  readonly #call: Call
  readonly #parent: Frame
  readonly #startedBefore: number

  constructor(circuit: Circuit, site: Site, call: Call, parent: Frame) {
    this.#circuit = circuit
    this.#site = site
    this.#call = call
    this.#parent = parent
    this.#startedBefore = call.started
  }

  ok(value: unknown): void {
    const now = this.#site.clock.now()
    this.#circuit.settle(this, this.#call.started > this.#startedBefore ? 'ok' : 'aborted', now)
    this.#parent.ok(value)
  }

  fail(error: unknown): void {
    const now = this.#site.clock.now()
    let outcome: CallOutcome = 'failed'
    let thrown = error
    try {
      outcome = this.#outcomeOf(error, now)
    } catch (fault) {
      thrown = fault
    }
    this.#circuit.settle(this, outcome, now)
    this.#parent.fail(thrown)
  }

  #outcomeOf(error: unknown, now: number): CallOutcome {
    const { settings } = this.#circuit
    if (this.#call.aborted || this.#call.started === this.#startedBefore || isRejection(error)) return 'aborted'
    if (error instanceof DeadlineExceededError && now - this.since < settings.tooShortMs) return 'aborted'
    return settings.failsOn(error) ? 'failed' : 'ok'
  }
}
