import type { Call, Frame, Step } from '../call.ts'
import type { Clock } from '../clock.ts'
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
    bind: (site, next) => new BoundBreaker(settings, site, next)
  }
}

export const breaker = Object.assign(breakerPart, {
  /** Ready-made settings. */
  preset: {
    /** `slowDependency` as a part; settings given here go before the preset's. */
    slowDependency: (over: BreakerOptions = {}): Part => breakerPart(slowDependency(over))
  }
})

class BoundBreaker implements Bound {
  readonly control: BreakerControl
  readonly #circuit: Circuit
  readonly #site: Site
  readonly #next: Step

  constructor(settings: BreakerSettings, site: Site, next: Step) {
    const { clock } = site
    const circuit = new Circuit(settings, (from, to, because) =>
      site.emit({ type: 'breaker.state', from, to, because })
    )
    this.control = {
      get state() {
        return circuit.state(clock.now())
      },
      forceOpen: () => circuit.force('forced-open'),
      forceClosed: () => circuit.force('forced-closed'),
      disable: () => circuit.force('disabled'),
      reset: () => circuit.reset()
    }
    this.#circuit = circuit
    this.#site = site
    this.#next = next
  }

  enter(call: Call, parent: Frame): void {
    const frame = new BreakerFrame(this.#circuit, this.#site.clock, call, parent)
    if (this.#circuit.admit(frame, call.at)) this.#next.enter(call, frame)
    else if (this.#circuit.settings.shadow) this.#wouldRefuse(call, parent)
    else this.#refuse(call, parent)
  }

  snapshot(): BreakerSnapshot {
    const circuit = this.#circuit
    const now = this.#site.clock.now()
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

  /** Unseen by the circuit, as a refused call would be: its state stays what it would be in earnest. */
  #wouldRefuse(call: Call, parent: Frame): void {
    this.#site.tally.breakerWouldReject++
    this.#site.emit({ type: 'breaker.would-reject', retryAfterMs: this.#circuit.retryAfterMs(call.at) }, call)
    this.#next.enter(call, parent)
  }

  #refuse(call: Call, parent: Frame): void {
    const { policy, tally } = this.#site
    const retryAfterMs = this.#circuit.retryAfterMs(call.at)
    tally.breakerRejections++
    this.#site.emit({ type: 'breaker.rejected', retryAfterMs }, call)
    parent.fail(withoutStack(() => new BreakerOpenError(policy, retryAfterMs)))
  }
}

/** The call's place in the breaker, and its permit. */
class BreakerFrame implements Frame, Permit {
  generation = 0
  since = 0
  readonly #circuit: Circuit
  readonly #clock: Clock
  readonly #call: Call
  readonly #parent: Frame
  readonly #startedBefore: number

  constructor(circuit: Circuit, clock: Clock, call: Call, parent: Frame) {
    this.#circuit = circuit
    this.#clock = clock
    this.#call = call
    this.#parent = parent
    this.#startedBefore = call.started
  }

  ok(value: unknown): void {
    const now = this.#clock.now()
    this.#circuit.settle(this, this.#call.started > this.#startedBefore ? 'ok' : 'aborted', now)
    this.#parent.ok(value)
  }

  fail(error: unknown): void {
    const now = this.#clock.now()
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
