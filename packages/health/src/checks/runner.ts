import { boardText, type CheckView } from '../board/details.ts'
import type { Clock } from '../clock.ts'
import { CheckTimeoutError, textOf } from '../errors.ts'
import type { Check, CheckResult } from './check.ts'
import { nextStreak, type Streak, UNKNOWN } from './streak.ts'

/**
 * Looks again and again, one run at a time. A run that is out of time has failed, but as long as it has not ended no
 * other one begins: what hangs must not be asked again and again.
 */
export class CheckRunner {
  readonly check: Check
  readonly #clock: Clock
  readonly #stampMs: () => number
  readonly #changed: () => void
  #streak: Streak = UNKNOWN
  #failures = 0
  #last: Partial<Pick<CheckView, 'observedValue' | 'observedUnit' | 'output' | 'atMs'>> = {}
  #warned = false
  #runningSince: number | undefined
  #timer: unknown
  #abort: AbortController | undefined
  #stopped = false

  /**
   * @param clock when to look, and for how long
   * @param stampMs the time that the view tells
   * @param changed called after everything that the view shows anew
   */
  constructor(check: Check, clock: Clock, stampMs: () => number, changed: () => void) {
    this.check = check
    this.#clock = clock
    this.#stampMs = stampMs
    this.#changed = changed
  }

  start(): void {
    void this.#run()
  }

  /** Aborts what runs; nothing that it says is heard any more. */
  stop(): void {
    this.#stopped = true
    this.#clock.clearTimer(this.#timer)
    this.#abort?.abort(new Error('the health checks were stopped'))
  }

  get view(): CheckView {
    const { name, kind, readiness, because, staleAfterMs } = this.check
    const { status, against } = this.#streak
    const doubtful = status === 'pass' && (this.#warned || against > 0)
    return {
      name,
      kind,
      readiness,
      ...(because === undefined ? {} : { because }),
      status: doubtful ? 'warn' : status,
      ...this.#last,
      ...(this.#runningSince === undefined ? {} : { runningSinceMs: this.#runningSince }),
      staleAfterMs,
      failures: this.#failures
    }
  }

  async #run(): Promise<void> {
    const { run, timeoutMs, everyMs } = this.check
    const began = this.#clock.now()
    const abort = new AbortController()
    let overdue = false
    this.#abort = abort
    this.#runningSince = this.#stampMs()
    this.#changed()
    this.#timer = this.#clock.setTimer(() => {
      overdue = true
      const error = new CheckTimeoutError(timeoutMs)
      this.#failed(error)
      abort.abort(error)
    }, timeoutMs)
    try {
      // Inside of a promise, so that one which throws at once is like one that rejects.
      const result = await (async () => run({ signal: abort.signal }))()
      if (!overdue && !this.#stopped) this.#passed(result ?? {}, this.#clock.now() - began)
    } catch (error) {
      if (!overdue && !this.#stopped) this.#failed(error)
    }
    if (this.#stopped) return
    this.#clock.clearTimer(this.#timer)
    this.#runningSince = undefined
    this.#timer = this.#clock.setTimer(() => void this.#run(), everyMs)
    this.#changed()
  }

  #passed(result: CheckResult, tookMs: number): void {
    const { observedValue, observedUnit, warn } = result
    this.#streak = nextStreak(this.#streak, true, this.check)
    this.#failures = 0
    this.#warned = warn !== undefined
    this.#last = {
      observedValue: shown(observedValue ?? Math.round(tookMs * 1000) / 1000),
      ...(observedValue === undefined ? { observedUnit: 'ms' } : {}),
      ...(observedUnit === undefined ? {} : { observedUnit: boardText(observedUnit, 20) }),
      ...(warn === undefined ? {} : { output: boardText(warn) }),
      atMs: this.#stampMs()
    }
  }

  #failed(error: unknown): void {
    this.#streak = nextStreak(this.#streak, false, this.check)
    this.#failures++
    this.#last = { output: boardText(textOf(error)), atMs: this.#stampMs() }
    this.#changed()
  }
}

/** JSON has no Infinity and no NaN. */
function shown(value: number | string): number | string {
  return typeof value === 'number' && Number.isFinite(value) ? value : boardText(String(value), 80)
}
