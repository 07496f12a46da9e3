import { checkMs, checkShare, checkWhole } from '../part.ts'

export interface BreakerOptions {
  /** Judge by the calls of the last `ms` milliseconds, or by the last `calls` calls. Default `{ ms: 10_000 }`. */
  window?: { ms: number } | { calls: number }
  /** Below this many calls in the window it stays closed, whatever they brought. Default 20. */
  minimumCalls?: number
  /** Opens when this share of the calls in the window has failed. Default 0.5. */
  failureRate?: number
  /** A call that takes longer is slow, even when it succeeds. Milliseconds. Default Infinity: none is. */
  slowCallMs?: number
  /** Opens when this share of the calls was slow. Without it, a slow call counts as failed. */
  slowCallRate?: number
  /** How long it stays open the first time, in milliseconds. Default 5,000. */
  openMs?: number
  /** Each time that half-open fails it stays open this many times longer. Default 2. */
  openFactor?: number
  /** But never longer than this. Default 60,000, or `openMs` if that is more. */
  maxOpenMs?: number
  /** How many calls half-open lets through before it has judged. Default 5. */
  probes?: number
  /** How many of them must succeed for it to close. Default: all of them. */
  successThreshold?: number
  /** A probe that has not answered after this many milliseconds counts as failed and gives its place back. Default 10,000. */
  probeTimeoutMs?: number
  /**
   * After half-open has closed it lets 10 % of the calls through, rising to all of them over this many milliseconds, and
   * refuses the others: a herd would fell again what has just got up. Default 0: all at once.
   */
  rampMs?: number
  /** Judges and reports, as `breaker.would-reject`, but never refuses a call, not even by hand. Default false. */
  shadow?: boolean
  /** Which errors are the dependency's failure. Any other is an answer like a success: a 404, say. Default: all are. */
  failsOn?: (error: unknown) => boolean
  /** A call that a deadline cut short before it had run this many milliseconds counts for nothing. Default 0. */
  tooShortMs?: number
}

export type BreakerSettings = Readonly<
  Required<Omit<BreakerOptions, 'slowCallRate'>> & { slowCallRate: number | null; slowIsFailure: boolean }
>

/** Fills in the defaults. The given object is left as it is. @throws RangeError for what is out of range. */
export function breakerSettings(options: BreakerOptions): BreakerSettings {
  const { window = { ms: 10_000 }, slowCallRate = null } = options
  const openMs = checkMs('openMs', options.openMs ?? 5_000)
  const probes = checkWhole('probes', options.probes ?? 5, 1)
  const settings: BreakerSettings = {
    window:
      'ms' in window ? { ms: checkMs('window.ms', window.ms) } : { calls: checkWhole('window.calls', window.calls, 1) },
    minimumCalls: checkWhole('minimumCalls', options.minimumCalls ?? 20, 1),
    failureRate: checkShare('failureRate', options.failureRate ?? 0.5),
    slowCallMs: checkMs('slowCallMs', options.slowCallMs ?? Infinity, { endless: true }),
    slowCallRate: slowCallRate === null ? null : checkShare('slowCallRate', slowCallRate),
    slowIsFailure: slowCallRate === null,
    openMs,
    openFactor: options.openFactor ?? 2,
    maxOpenMs: checkMs('maxOpenMs', options.maxOpenMs ?? Math.max(60_000, openMs)),
    probes,
    successThreshold: checkWhole('successThreshold', options.successThreshold ?? probes, 1),
    probeTimeoutMs: checkMs('probeTimeoutMs', options.probeTimeoutMs ?? 10_000),
    rampMs: checkMs('rampMs', options.rampMs ?? 0, { zero: true }),
    shadow: options.shadow ?? false,
    failsOn: options.failsOn ?? (() => true),
    tooShortMs: checkMs('tooShortMs', options.tooShortMs ?? 0, { zero: true })
  }
  if (!(settings.openFactor >= 1)) throw new RangeError(`openFactor is at least 1, not ${settings.openFactor}`)
  if (settings.maxOpenMs < openMs) throw new RangeError('maxOpenMs is less than openMs')
  if (settings.successThreshold > probes) throw new RangeError('successThreshold is more than there are probes')
  if (slowCallRate !== null && settings.slowCallMs === Infinity) throw new RangeError('slowCallRate needs slowCallMs')
  if ('calls' in settings.window && settings.window.calls < settings.minimumCalls) {
    throw new RangeError('the window holds fewer calls than minimumCalls: the breaker could never open')
  }
  return settings
}

/** What it will do, in words. */
export function explainBreaker(s: BreakerSettings): string {
  const window = 'ms' in s.window ? `the last ${s.window.ms} ms` : `the last ${s.window.calls} calls`
  const percent = (share: number) => `${Number((share * 100).toFixed(2))} %`
  const slow = s.slowCallMs === Infinity ? '' : `take over ${s.slowCallMs} ms`
  const failing = `at least ${percent(s.failureRate)} of ${window} fail${slow && s.slowIsFailure ? ` or ${slow}` : ''}`
  const slowRule = s.slowCallRate === null ? '' : `, or ${percent(s.slowCallRate)} of them ${slow}`
  const growth = s.openFactor === 1 ? `${s.openMs} ms` : `${s.openMs} ms, growing to ${s.maxOpenMs} ms`
  const ramp = s.rampMs === 0 ? '' : `, and lets a growing share of the calls through for ${s.rampMs} ms after that`
  return (
    `breaker${s.shadow ? ', in shadow mode: tells and refuses nothing' : ''}: opens when ${failing}${slowRule}, from ${s.minimumCalls} calls on; stays open for ${growth}; ` +
    `then lets ${s.probes} probes through and closes when ${s.successThreshold} of them succeed${ramp}`
  )
}
