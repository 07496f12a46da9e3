import { checkMs, checkWhole } from '../part.ts'
import { Gcra, type Rate, TokenBucket } from './bucket.ts'
import { Buckets } from './buckets.ts'

export interface RateLimiterOptions {
  /** So much may be taken in `perMs` in the long run. Any number above zero. */
  rate: number
  /** Milliseconds. Default 1,000: the rate is one of a second. */
  perMs?: number
  /** So much at once, after a pause. A whole number. Default: the rate, rounded up. */
  burst?: number
  /** Both decide alike; `gcra` keeps one number a key, `token-bucket` two. Default `gcra`. */
  algorithm?: 'token-bucket' | 'gcra'
  /** So many keys are told apart; the others share one limit. Keys that are idle are forgotten for new ones. Default 10,000. */
  maxKeys?: number
}

export interface RateLimiterSettings extends Rate {
  readonly rate: number
  readonly perMs: number
  readonly algorithm: 'token-bucket' | 'gcra'
  readonly maxKeys: number
}

/** Fills in the defaults. The given object is left as it is. @throws RangeError for what is out of range. */
export function rateLimiterSettings(options: RateLimiterOptions): RateLimiterSettings {
  const { rate, perMs = 1_000, burst = Math.max(1, Math.ceil(rate)), algorithm = 'gcra', maxKeys = 10_000 } = options
  if (!(rate > 0 && rate < Infinity)) throw new RangeError(`rate is a number above zero, not ${rate}`)
  if (algorithm !== 'gcra' && algorithm !== 'token-bucket') {
    throw new RangeError(`algorithm is gcra or token-bucket, not ${algorithm}`)
  }
  return {
    rate,
    perMs: checkMs('perMs', perMs),
    burst: checkWhole('burst', burst, 1),
    unitMs: perMs / rate,
    algorithm,
    maxKeys: checkWhole('maxKeys', maxKeys, 1)
  }
}

export const bucketsOf = (settings: RateLimiterSettings): Buckets => {
  const Kind = settings.algorithm === 'gcra' ? Gcra : TokenBucket
  return new Buckets(settings.maxKeys, now => new Kind(settings, now))
}

/** `null` for what can be taken. A cost of 0 takes nothing and is always let in. */
export const faultOfCost = (cost: number): RangeError | null =>
  Number.isSafeInteger(cost) && cost >= 0 ? null : new RangeError(`cost is a whole number >= 0, not ${cost}`)
