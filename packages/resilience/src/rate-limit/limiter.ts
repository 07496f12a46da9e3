import { type Clock, systemClock } from '../clock.ts'
import type { Bucket } from './bucket.ts'
import type { Buckets } from './buckets.ts'
import {
  bucketsOf,
  faultOfCost,
  type RateLimiterOptions,
  type RateLimiterSettings,
  rateLimiterSettings
} from './settings.ts'

/** What a rate limit says. */
export interface RateVerdict {
  readonly allowed: boolean
  /** 0 when allowed. Else after how many milliseconds it would be, if nobody else takes anything; Infinity: never. */
  readonly retryAfterMs: number
  /** How much more could be taken now, in whole units: for a `RateLimit` header. */
  readonly remaining: number
}

/** A rate limit without a policy around it: for a door that answers by itself. */
export interface RateLimiter {
  /** What can be taken at once at most: for a `RateLimit-Policy` header. */
  readonly burst: number
  /** Keys that are remembered at the moment. */
  readonly keys: number
  /**
   * Takes `cost` (default 1) for `key` (default: the one limit of all who name no key), or nothing.
   * @throws RangeError when the cost is not a whole number, 0 or more. One above the burst is never allowed.
   */
  take(key?: string, cost?: number): RateVerdict
}

/**
 * A rate limit by token bucket or GCRA, over a clock: no timers, nothing to be closed.
 * @throws RangeError for settings out of range.
 */
export function rateLimiter(options: RateLimiterOptions, { clock = systemClock }: { clock?: Clock } = {}): RateLimiter {
  return new LocalLimiter(rateLimiterSettings(options), clock)
}

/** The bucket of those who name no key. Not in the map: it is not forgotten, and no key can be mistaken for it. */
export class LocalLimiter implements RateLimiter {
  readonly settings: RateLimiterSettings
  readonly #clock: Clock
  readonly #buckets: Buckets
  readonly #unkeyed: Bucket

  constructor(settings: RateLimiterSettings, clock: Clock) {
    this.settings = settings
    this.#clock = clock
    this.#buckets = bucketsOf(settings)
    this.#unkeyed = bucketsOf({ ...settings, maxKeys: 1 }).of('', clock.now())
  }

  get burst(): number {
    return this.settings.burst
  }

  get keys(): number {
    return this.#buckets.size
  }

  take(key?: string, cost = 1): RateVerdict {
    const fault = faultOfCost(cost)
    if (fault !== null) throw fault
    const now = this.#clock.now()
    const bucket = this.bucketOf(key, now)
    const retryAfterMs = this.waitMs(bucket, cost, 0, now)
    if (retryAfterMs === 0) this.takeFrom(bucket, key, cost, now)
    return { allowed: retryAfterMs === 0, retryAfterMs, remaining: this.remaining(bucket, now) }
  }

  bucketOf(key: string | undefined, now: number): Bucket {
    return key === undefined ? this.#unkeyed : this.#buckets.of(key, now)
  }

  /** In how many milliseconds it could be taken, when `ahead` is to be taken by others first. */
  waitMs(bucket: Bucket, cost: number, ahead: number, now: number): number {
    if (cost === 0) return 0
    return cost > this.settings.burst ? Infinity : bucket.waitMs(cost + ahead, now)
  }

  takeFrom(bucket: Bucket, key: string | undefined, cost: number, now: number): void {
    bucket.take(cost, now)
    if (key !== undefined) this.#buckets.charged(key, bucket)
  }

  remaining(bucket: Bucket, now: number): number {
    // A rounding error short of a whole unit is that unit.
    return Math.max(0, Math.floor(bucket.available(now) + 1e-6))
  }
}
