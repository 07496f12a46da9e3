import { type Clock, systemClock } from '../clock.ts'
import { TimeoutError, withoutStack } from '../errors.ts'
import { checkMs } from '../part.ts'
import { TimerEntry, TimerLine } from '../timer-line.ts'
import { LocalLimiter, type RateVerdict } from './limiter.ts'
import { faultOfCost, type RateLimiterOptions, rateLimiterSettings } from './settings.ts'

/** A rate limit that several processes keep together. The rate is the store's own setting. */
export interface RateLimitStore {
  /**
   * Takes `cost` for `key`, or nothing, in one atomic step. `now` is this process's wall time in milliseconds: a store that
   * has a clock of its own had better go by that one.
   */
  take(key: string, cost: number, now: number): Promise<RateVerdict>
}

export interface SharedRateLimiterOptions extends RateLimiterOptions {
  /** A store that has not answered after this many milliseconds is not waited for. Default 50. */
  storeTimeoutMs?: number
  /** After a failure the store is asked by one call in this many milliseconds, until it answers. Default 1,000. */
  storeRetryMs?: number
}

export interface SharedRateVerdict extends RateVerdict {
  /** The store failed or was slow, and this process decided by itself. */
  readonly local: boolean
}

/** A shared rate limit without a policy around it. */
export interface SharedRateLimiter {
  /** Times that the store failed or was too slow. Only grows. */
  readonly storeFailures: number
  /** The last time it was asked, the store did not answer. */
  readonly storeDown: boolean
  /**
   * As `take` of a `rateLimiter`, of the store. Rejects only for a cost out of range.
   */
  take(key?: string, cost?: number): Promise<SharedRateVerdict>
}

/**
 * A rate limit in a store, under `name` (and `name:key`), that goes on without it.
 *
 * When the store fails or is slow the call is judged by a limit of this process, with the `rate` and `burst` given here:
 * so long, the processes together let in up to as many times the rate as there are of them. Until it answers again only
 * one call in `storeRetryMs` asks it, so that an outage costs the others no time. An answer that comes too late is not
 * used, but what it took stays taken.
 * @throws RangeError for settings out of range.
 */
export function sharedRateLimiter(
  name: string,
  store: RateLimitStore,
  options: SharedRateLimiterOptions,
  { clock = systemClock }: { clock?: Clock } = {}
): SharedRateLimiter {
  return new SharedLimiter(name, store, options, clock, () => {})
}

export class SharedLimiter implements SharedRateLimiter {
  storeFailures = 0
  storeDown = false
  readonly local: LocalLimiter
  readonly #name: string
  readonly #store: RateLimitStore
  readonly #timeoutMs: number
  readonly #retryMs: number
  readonly #clock: Clock
  readonly #onFailure: (error: unknown) => void
  readonly #line: TimerLine
  #askAgainAt = 0

  constructor(
    name: string,
    store: RateLimitStore,
    options: SharedRateLimiterOptions,
    clock: Clock,
    onFailure: (error: unknown) => void
  ) {
    this.#name = name
    this.#store = store
    this.#timeoutMs = checkMs('storeTimeoutMs', options.storeTimeoutMs ?? 50)
    this.#retryMs = checkMs('storeRetryMs', options.storeRetryMs ?? 1_000, { zero: true })
    this.#clock = clock
    this.#onFailure = onFailure
    this.#line = new TimerLine(clock)
    this.local = new LocalLimiter(rateLimiterSettings(options), clock)
  }

  take(key?: string, cost = 1): Promise<SharedRateVerdict> {
    const fault = faultOfCost(cost)
    if (fault !== null) return Promise.reject(fault)
    const now = this.#clock.now()
    if (this.storeDown && now < this.#askAgainAt) return Promise.resolve(this.#decide(key, cost))
    this.#askAgainAt = now + this.#retryMs
    return new Promise(resolve => {
      const question = new Question(
        verdict => resolve({ ...this.#answered(verdict), local: false }),
        error => {
          this.#failed(error)
          resolve(this.#decide(key, cost))
        },
        () => withoutStack(() => new TimeoutError(this.#name, this.#timeoutMs)),
        this.#line
      )
      this.#line.add(question, now + this.#timeoutMs, now)
      this.#ask(key, cost).then(
        verdict => question.told(verdict),
        error => question.failed(error)
      )
    })
  }

  async #ask(key: string | undefined, cost: number): Promise<RateVerdict> {
    const full = key === undefined ? this.#name : `${this.#name}:${key}`
    const { allowed, retryAfterMs, remaining } = await this.#store.take(full, cost, this.#clock.wallNow())
    if (typeof allowed !== 'boolean' || !(retryAfterMs >= 0)) throw new TypeError('the store gave no verdict')
    return { allowed, retryAfterMs, remaining }
  }

  #answered(verdict: RateVerdict): RateVerdict {
    this.storeDown = false
    return verdict
  }

  #failed(error: unknown): void {
    this.storeFailures++
    if (!this.storeDown) this.#askAgainAt = this.#clock.now() + this.#retryMs
    this.storeDown = true
    this.#onFailure(error)
  }

  #decide(key: string | undefined, cost: number): SharedRateVerdict {
    return { ...this.local.take(key, cost), local: true }
  }
}

/** One question to the store, answered once: by it, or by the end of its time. */
class Question extends TimerEntry {
  readonly #ok: (verdict: RateVerdict) => void
  readonly #fail: (error: unknown) => void
  readonly #timeout: () => Error
  readonly #line: TimerLine
  #open = true

  constructor(
    ok: (verdict: RateVerdict) => void,
    fail: (error: unknown) => void,
    timeout: () => Error,
    line: TimerLine
  ) {
    super()
    this.#ok = ok
    this.#fail = fail
    this.#timeout = timeout
    this.#line = line
  }

  told(verdict: RateVerdict): void {
    if (this.#close()) this.#ok(verdict)
  }

  failed(error: unknown): void {
    if (this.#close()) this.#fail(error)
  }

  expire(): void {
    this.failed(this.#timeout())
  }

  #close(): boolean {
    const first = this.#open
    this.#open = false
    this.#line.remove(this)
    return first
  }
}
