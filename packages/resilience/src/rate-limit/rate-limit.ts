import type { Call, Frame, Step } from '../call.ts'
import { RateLimitedError, withoutStack } from '../errors.ts'
import { type Bound, checkMs, type Part, type Site } from '../part.ts'
import { LocalLimiter } from './limiter.ts'
import { faultOfCost, type RateLimiterSettings, rateLimiterSettings } from './settings.ts'
import { type RateLimitStore, SharedLimiter, type SharedRateLimiterOptions } from './shared-limiter.ts'
import { SharedRoom } from './shared-wait.ts'
import { WaitingRoom } from './waiting-room.ts'

export interface RateLimitOptions extends SharedRateLimiterOptions {
  /**
   * A limit for each `key` of `run`, or for what is made of it (`undefined` = the one limit of all who have none). Default
   * false: one limit for all calls.
   */
  perKey?: boolean | ((key: string) => string | undefined)
  /** A call that would be let in within so many milliseconds waits for it, first come first served. Default 0: none does. */
  maxWaitMs?: number
  /** Where several processes keep the limit together. See `sharedRateLimiter`. Default: each process has its own. */
  store?: RateLimitStore
}

export interface RateLimitSnapshot {
  /** What could be taken now. Null where there are many limits, or a store keeps them. */
  remaining: number | null
  keys: number
  /** Calls that wait for their turn. */
  waiting: number
  /** Whether the store failed when it was last asked. Only with a store. */
  storeDown?: boolean
}

/**
 * Lets so many calls begin in a time, by token bucket or GCRA. The others fail with `RateLimitedError`, which says exactly
 * when one would be let in; or wait, when that is within `maxWaitMs` and their deadline.
 *
 * A call takes its `cost` when it passes, once for each attempt of a `retry` further out, and gives none of it back.
 * @throws RangeError for settings out of range.
 */
export function rateLimit(options: RateLimitOptions): Part {
  const { perKey = false, store, ...rest } = options
  const settings = rateLimiterSettings(rest)
  const maxWaitMs = checkMs('maxWaitMs', options.maxWaitMs ?? 0, { zero: true })
  const keyOf = typeof perKey === 'function' ? perKey : perKey ? (key: string) => key : () => undefined
  const limits: Limits = { settings, maxWaitMs, keyOf, keyed: perKey !== false }
  return {
    kind: 'rate-limit',
    explain: () => explain(limits, store !== undefined),
    bind: (site, next) => (store ? bindShared(limits, store, rest, site, next) : bindLocal(limits, site, next))
  }
}

interface Limits {
  readonly settings: RateLimiterSettings
  readonly maxWaitMs: number
  readonly keyOf: (key: string) => string | undefined
  readonly keyed: boolean
}

function explain({ settings, maxWaitMs, keyed }: Limits, shared: boolean): string {
  const { rate, perMs, burst, maxKeys } = settings
  const whose = keyed ? ` for each of ${maxKeys} keys` : ''
  const others = maxWaitMs === 0 ? 'the rest are refused' : `the rest wait for up to ${maxWaitMs} ms or are refused`
  const store = shared ? ', kept by a store and by each process alone while that is away' : ''
  return `rate limit: ${rate} in ${perMs} ms${whose}, up to ${burst} at once, and ${others}${store}`
}

function bindLocal({ settings, maxWaitMs, keyOf, keyed }: Limits, site: Site, next: Step): Bound {
  const limiter = new LocalLimiter(settings, site.clock)
  const room = new WaitingRoom(limiter, site.clock, next)
  return {
    enter: checked(keyOf, (key, call, parent) => {
      const { at } = call
      const bucket = limiter.bucketOf(key, at)
      const waitMs = limiter.waitMs(bucket, call.cost, room.aheadAt(bucket), at)
      if (waitMs === 0) {
        limiter.takeFrom(bucket, key, call.cost, at)
        next.enter(call, parent)
      } else if (waitMs <= maxWaitMs && at + waitMs + call.leastMs <= call.deadline) {
        room.enter(bucket, key, call, parent)
      } else {
        refuse(site, call, parent, waitMs)
      }
    }),
    snapshot(): RateLimitSnapshot {
      const now = site.clock.now()
      const remaining = keyed ? null : limiter.remaining(limiter.bucketOf(undefined, now), now)
      return { remaining, keys: limiter.keys, waiting: room.waiting }
    }
  }
}

function bindShared(
  { maxWaitMs, keyOf }: Limits,
  store: RateLimitStore,
  options: SharedRateLimiterOptions,
  site: Site,
  next: Step
): Bound {
  const limiter = new SharedLimiter(site.policy, store, options, site.clock, error => {
    site.tally.rateLimitStoreFailures++
    site.emit({ type: 'rate-limit.store-failed', error })
  })
  const room = new SharedRoom(limiter, maxWaitMs, site.clock, next, (call, parent, ms) =>
    refuse(site, call, parent, ms)
  )
  return {
    enter: checked(keyOf, (key, call, parent) => room.enter(key, call, parent)),
    snapshot(): RateLimitSnapshot {
      return { remaining: null, keys: limiter.local.keys, waiting: room.waiting, storeDown: limiter.storeDown }
    }
  }
}

/** What the caller gave wrong, and a `perKey` that throws, are the call's failure: nothing is taken. */
function checked(
  keyOf: (key: string) => string | undefined,
  enter: (key: string | undefined, call: Call, parent: Frame) => void
): Step['enter'] {
  return (call, parent) => {
    let key: string | undefined
    try {
      const fault = faultOfCost(call.cost)
      if (fault !== null) throw fault
      key = call.key === undefined ? undefined : keyOf(call.key)
    } catch (thrown) {
      parent.fail(thrown)
      return
    }
    enter(key, call, parent)
  }
}

function refuse(site: Site, call: Call, parent: Frame, retryAfterMs: number): void {
  site.tally.rateLimitRejections++
  site.emit({ type: 'rate-limit.rejected', key: call.key, cost: call.cost, retryAfterMs }, call)
  parent.fail(withoutStack(() => new RateLimitedError(site.policy, retryAfterMs)))
}
