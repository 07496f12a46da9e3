import { checkMs, checkShare, checkWhole } from '../part.ts'

export interface ConcurrencyLimiterOptions {
  /** The limit to begin with. Default 20, or the nearest that `minLimit` and `maxLimit` allow. */
  initialLimit?: number
  /** It never goes below. Default 4. */
  minLimit?: number
  /** It never goes above. Default 1,000. */
  maxLimit?: number
  /** Calls may take so many times what they take at rest before the limit goes down. More than 1. Default 1.5. */
  tolerance?: number
  /** How much of what a window asks for is done at once: above 0, up to 1. Default 0.2. */
  smoothing?: number
  /** A window lasts this long at least, and as long as a call takes at rest. Milliseconds. Default 100. */
  windowMs?: number
  /** The latency at rest is looked for at least this seldom, sooner after it has changed. Milliseconds. Default 30,000. */
  probeMs?: number
  /**
   * A `normal` or `sheddable` call is let in while less than this share of the limit is taken; a `critical` one may have all
   * of it. Defaults 0.9 and 0.6.
   */
  shares?: { normal?: number; sheddable?: number }
  /**
   * How hard pressed this process is, from 0 to 1: the share of the limit that is closed. Asked for each call, so make it
   * cheap: the event loop's delay as it was last measured, say. No number, or an error, counts as 0. Default: never.
   */
  pressure?: () => number
  /** A permit that has not been given back after this many milliseconds is taken back. Infinity: never. Default 60,000. */
  permitTimeoutMs?: number
}

export interface LimiterSettings {
  readonly initialLimit: number
  readonly minLimit: number
  readonly maxLimit: number
  readonly tolerance: number
  readonly smoothing: number
  readonly windowMs: number
  readonly probeMs: number
  /** By rank. */
  readonly shares: readonly [critical: 1, normal: number, sheddable: number]
  readonly pressure: (() => number) | null
  readonly permitTimeoutMs: number
}

/** Fills in the defaults. The given object is left as it is. @throws RangeError for what is out of range. */
export function limiterSettings(options: ConcurrencyLimiterOptions): LimiterSettings {
  const { minLimit = 4, tolerance = 1.5, shares = {} } = options
  checkWhole('minLimit', minLimit, 1)
  const maxLimit = checkWhole('maxLimit', options.maxLimit ?? Math.max(1_000, minLimit), minLimit)
  const initialLimit = options.initialLimit ?? Math.min(maxLimit, Math.max(minLimit, 20))
  checkWhole('initialLimit', initialLimit, minLimit)
  if (initialLimit > maxLimit) throw new RangeError('initialLimit is more than maxLimit')
  if (!(tolerance > 1 && tolerance < Infinity)) throw new RangeError(`tolerance is more than 1, not ${tolerance}`)
  const normal = checkShare('shares.normal', shares.normal ?? 0.9)
  const sheddable = checkShare('shares.sheddable', shares.sheddable ?? Math.min(0.6, normal))
  if (sheddable > normal) throw new RangeError('shares.sheddable is more than shares.normal')
  return {
    initialLimit,
    minLimit,
    maxLimit,
    tolerance,
    smoothing: checkShare('smoothing', options.smoothing ?? 0.2),
    windowMs: checkMs('windowMs', options.windowMs ?? 100),
    probeMs: checkMs('probeMs', options.probeMs ?? 30_000),
    shares: [1, normal, sheddable],
    pressure: options.pressure ?? null,
    permitTimeoutMs: checkMs('permitTimeoutMs', options.permitTimeoutMs ?? 60_000, { endless: true })
  }
}
