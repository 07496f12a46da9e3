import type { BreakerState } from '../events.ts'
import type { BreakerSettings } from './settings.ts'
import { CountWindow, type OutcomeWindow, TimeWindow } from './window.ts'

/** What became of an admitted call. `aborted`: its caller gave it up, or the dependency was never asked. */
export type CallOutcome = 'ok' | 'failed' | 'aborted'

/** An admitted call. The circuit stamps it; whoever holds it gives it back by `settle`, once, or never. */
export interface Permit {
  generation: number
  /** `now()` when it was admitted. */
  since: number
}

const WHOLE = 10_000

/** In ten-thousandths: a tenth when all of the ramp is left, all when nothing is. */
const rampShare = (leftMs: number, rampMs: number): number =>
  leftMs <= 0 ? WHOLE : WHOLE - Math.ceil((0.9 * WHOLE * leftMs) / rampMs)

export type StateListener = (from: BreakerState, to: BreakerState, because: string) => void

/**
 * The circuit breaker as a state machine over the clock: pure, without timers or promises. `now` only ever grows.
 *
 * closed → open when a rate is reached; open → half-open when its time is over; half-open → closed when enough probes have
 * succeeded, → open when too many have failed for that. Every transition begins a new generation, and a permit of an older
 * one moves nothing any more: neither a success that comes late nor a failure. A probe that does not come back fails at
 * its time, looked at or not, so half-open ends whatever happens to its probes.
 *
 * With `rampMs`, half-open → closed lets calls in by a growing share: still `closed`, by the count of who asked and not by
 * chance. Opening again from the ramp counts as opening again from half-open.
 */
export class Circuit {
  readonly settings: BreakerSettings
  readonly window: OutcomeWindow
  readonly #onState: StateListener
  #state: BreakerState = 'closed'
  #generation = 0
  #openUntil = 0
  /** How often in a row it has opened without having closed since. */
  #opened = 0
  /** When closed again all are let in; above `now` only in a ramp. */
  #rampUntil = 0
  #ramping = false
  /** In ten-thousandths of a call: what each who asks in the ramp adds, and who is let in takes. Whole, so that it is exact. */
  #credit = 0
  #probesOut: Permit[] = []
  #probesOk = 0
  #probesFailed = 0

  constructor(settings: BreakerSettings, onState: StateListener = () => {}) {
    this.settings = settings
    this.window = 'ms' in settings.window ? new TimeWindow(settings.window.ms) : new CountWindow(settings.window.calls)
    this.#onState = onState
  }

  get generation(): number {
    return this.#generation
  }

  state(now: number): BreakerState {
    this.#advance(now)
    return this.#state
  }

  /** Lets a call in and stamps its permit, or says no. */
  admit(permit: Permit, now: number): boolean {
    if (this.#state !== 'closed') {
      this.#advance(now)
      if (this.#state === 'open' || this.#state === 'forced-open') return false
      if (this.#state === 'half-open') {
        const taken = this.#probesOut.length + this.#probesOk + this.#probesFailed
        if (taken >= this.settings.probes) return false
        this.#probesOut.push(permit)
      }
    } else if (this.#ramping && !this.#admitInRamp(now)) {
      return false
    }
    permit.generation = this.#generation
    permit.since = now
    return true
  }

  /** The share of the calls that is let in while it is closed: from 0.1 to 1 in a ramp, else 1. Other states: 0 or 1. */
  admits(now: number): number {
    const state = this.state(now)
    if (state === 'closed') return rampShare(this.#rampUntil - now, this.settings.rampMs) / WHOLE
    return state === 'open' || state === 'forced-open' || state === 'half-open' ? 0 : 1
  }

  /**
   * How long a call that was just refused should wait: until half-open, until the oldest probe must have answered, or until
   * the ramp is over.
   */
  retryAfterMs(now: number): number {
    if (this.#state === 'closed') return Math.max(0, this.#rampUntil - now)
    if (this.#state === 'open') return Math.max(0, this.#openUntil - now)
    const oldest = this.#probesOut[0]
    if (this.#state === 'half-open' && oldest !== undefined) {
      return Math.min(this.settings.openMs, Math.max(0, oldest.since + this.settings.probeTimeoutMs - now))
    }
    return this.settings.openMs
  }

  /** Gives a permit back. False when it was of an older generation, or a probe whose time was over: it moved nothing. */
  settle(permit: Permit, outcome: CallOutcome, now: number): boolean {
    if (this.#state === 'half-open') this.#advance(now)
    if (permit.generation !== this.#generation) return false
    const slow = now - permit.since > this.settings.slowCallMs
    if (this.#state === 'half-open') return this.#settleProbe(permit, outcome, slow, now)
    if (outcome === 'aborted' || this.#state === 'disabled') return true
    this.window.record(now, outcome === 'failed' || (slow && this.settings.slowIsFailure), slow)
    if (this.#state === 'closed') this.#judge(now)
    return true
  }

  /** Holds it open, or closed, or lets everything through unseen, until `reset`. */
  force(state: 'forced-open' | 'forced-closed' | 'disabled'): void {
    this.#ramping = false
    this.#become(state, 'by hand')
  }

  /** Closed and without memory, as when it was made. */
  reset(): void {
    this.#opened = 0
    this.#ramping = false
    this.#rampUntil = 0
    this.window.clear()
    this.#become('closed', 'by hand')
  }

  #judge(now: number): void {
    this.window.expire(now)
    const { calls, failed, slow } = this.window
    const { minimumCalls, failureRate, slowCallRate } = this.settings
    if (calls < minimumCalls) return
    if (now >= this.#rampUntil) this.#opened = 0
    if (failed / calls >= failureRate) this.#open(now, `${failed} of ${calls} calls failed`)
    else if (slowCallRate !== null && slow / calls >= slowCallRate)
      this.#open(now, `${slow} of ${calls} calls were slow`)
  }

  #settleProbe(permit: Permit, outcome: CallOutcome, slow: boolean, now: number): boolean {
    const i = this.#probesOut.indexOf(permit)
    if (i === -1) return false
    this.#probesOut.splice(i, 1)
    if (outcome === 'aborted') return true
    if (outcome === 'failed' || slow)
      this.#probeFailed(now, slow && outcome === 'ok' ? 'a probe was slow' : 'a probe failed')
    else if (++this.#probesOk >= this.settings.successThreshold) this.#close(now)
    return true
  }

  /** Whatever the passing of time alone has brought about, each at its own instant. */
  #advance(now: number): void {
    for (;;) {
      if (this.#state === 'open' && now >= this.#openUntil) {
        this.#become('half-open', 'its time was over')
      } else if (this.#state === 'half-open' && this.#probesOut.length > 0) {
        const overdueAt = this.#probesOut[0]!.since + this.settings.probeTimeoutMs
        if (now < overdueAt) return
        this.#probesOut.shift()
        this.#probeFailed(overdueAt, 'a probe did not answer')
      } else {
        return
      }
    }
  }

  #probeFailed(at: number, because: string): void {
    const { probes, successThreshold } = this.settings
    if (++this.#probesFailed > probes - successThreshold) this.#open(at, because)
  }

  #admitInRamp(now: number): boolean {
    if (now >= this.#rampUntil) {
      this.#ramping = false
      return true
    }
    this.#credit += rampShare(this.#rampUntil - now, this.settings.rampMs)
    if (this.#credit < WHOLE) return false
    this.#credit -= WHOLE
    return true
  }

  #open(at: number, because: string): void {
    this.#ramping = false
    const { openMs, openFactor, maxOpenMs } = this.settings
    this.#openUntil = at + Math.min(maxOpenMs, openMs * openFactor ** Math.min(this.#opened, 100))
    this.#opened++
    this.#become('open', because)
  }

  #close(now: number): void {
    this.#ramping = this.settings.rampMs > 0
    this.#rampUntil = now + this.settings.rampMs
    this.#credit = WHOLE - rampShare(this.settings.rampMs, this.settings.rampMs)
    this.window.clear()
    this.#become('closed', 'enough probes succeeded')
  }

  #become(state: BreakerState, because: string): void {
    const from = this.#state
    this.#state = state
    this.#generation++
    this.#probesOut = []
    this.#probesOk = 0
    this.#probesFailed = 0
    if (from !== state) this.#onState(from, state, because)
  }
}
