import { Call, type Frame, type Step } from '../call.ts'
import { DeadlineExceededError, isRejection } from '../errors.ts'
import { type Bound, checkMs, checkWhole, type Part, type Site } from '../part.ts'
import { TimerLine } from '../timer-line.ts'
import { Entries } from './entries.ts'
import { Flight } from './flight.ts'

export interface CacheOptions {
  /** For how many milliseconds an answer is served without asking again. */
  ttlMs: number
  /**
   * For how many milliseconds beyond that it is still served at once, while one call in the background renews it: the
   * `stale-while-revalidate` of RFC 5861. Default 0.
   */
  revalidateMs?: number
  /** For how many milliseconds beyond `ttlMs` it is still served when asking again fails: `stale-if-error`. Default 0. */
  staleMs?: number
  /** For how many milliseconds an error is remembered and not asked again. Default 0: errors are not kept. */
  errorTtlMs?: number
  /** How many keys are kept; the one that was asked for longest ago makes room. Default 1,000. */
  max?: number
  /** Makes the key of an answer from the `key` of `run`; `undefined` = do not cache this one. Default: the key itself. */
  key?: (key: string) => string | undefined
}

export interface CacheSnapshot {
  keys: number
  inFlight: number
}

/**
 * Keeps answers by the `key` handed to `run`; a call without a key goes past it.
 *
 * Fresh answers are served at once. An older one is served at once too while it may be renewed in the background; after
 * that it is asked for again, and served when that fails: `outcome()` calls both `stale`. Callers of one key share one
 * call, and each may leave it. Errors have their own, short time; what a policy
 * turned away by itself and a deadline that only the caller set are not kept.
 * @throws RangeError for settings out of range.
 */
export function cache(options: CacheOptions): Part {
  const settings = {
    ttlMs: checkMs('ttlMs', options.ttlMs, { zero: true, endless: true }),
    staleMs: checkMs('staleMs', options.staleMs ?? 0, { zero: true, endless: true }),
    revalidateMs: checkMs('revalidateMs', options.revalidateMs ?? 0, { zero: true, endless: true }),
    errorTtlMs: checkMs('errorTtlMs', options.errorTtlMs ?? 0, { zero: true }),
    max: checkWhole('max', options.max ?? 1_000, 1),
    key: options.key ?? ((key: string) => key)
  }
  const stale = settings.staleMs === 0 ? '' : `, for ${settings.staleMs} ms more when asking fails`
  const renewed = settings.revalidateMs === 0 ? '' : `, for ${settings.revalidateMs} ms more while they are renewed`
  const errors = settings.errorTtlMs === 0 ? '' : `; keeps errors for ${settings.errorTtlMs} ms`
  return {
    kind: 'cache',
    explain: () =>
      `cache: answers by key for ${settings.ttlMs} ms${renewed}${stale}${errors}; ${settings.max} keys, one call a key at a time`,
    bind: (site, next) => new Cache(settings, site, next)
  }
}

/** Who waits for a call that renews an answer in the background. */
const NOBODY: Frame = { ok() {}, fail() {} }

export class Cache implements Bound {
  readonly site: Site
  readonly line: TimerLine
  readonly #settings: Required<CacheOptions>
  readonly #next: Step
  readonly #entries: Entries
  readonly #flights = new Map<string, Flight>()

  constructor(settings: Required<CacheOptions>, site: Site, next: Step) {
    this.#settings = settings
    this.site = site
    this.#next = next
    this.#entries = new Entries(settings.max)
    this.line = new TimerLine(site.clock)
  }

  enter(call: Call, parent: Frame): void {
    let key: string | undefined
    try {
      key = call.key === undefined ? undefined : this.#settings.key(call.key)
    } catch (thrown) {
      parent.fail(thrown)
      return
    }
    if (key === undefined) this.#next.enter(call, parent)
    else if (!this.#answerFromMemory(key, call, parent)) this.#fly(key, call, parent)
  }

  snapshot(): CacheSnapshot {
    return { keys: this.#entries.size, inFlight: this.#flights.size }
  }

  renewed(key: string, value: unknown): void {
    this.#entries.keepGood(key, value, this.site.clock.now())
  }

  failed(key: string, error: unknown): void {
    const ofCaller = error instanceof DeadlineExceededError && error.incoming
    if (this.#settings.errorTtlMs === 0 || isRejection(error) || ofCaller) return
    this.#entries.keepBad(key, error, this.site.clock.now() + this.#settings.errorTtlMs)
  }

  landed(flight: Flight): void {
    if (this.#flights.get(flight.key) === flight) this.#flights.delete(flight.key)
  }

  /** The stale answer if there is one, else the error. */
  answerFailure(call: Call, parent: Frame, key: string, error: unknown): void {
    if (parent === NOBODY) {
      this.site.tally.cacheRefreshesFailed++
      this.site.emit({ type: 'cache.refresh-failed', error }, call)
      return
    }
    const good = this.#entries.get(key)?.good
    const ageMs = good ? this.site.clock.now() - good.at : Infinity
    if (!good || ageMs >= this.#settings.ttlMs + this.#settings.staleMs) {
      parent.fail(error)
      return
    }
    this.site.tally.cacheStale++
    this.site.emit({ type: 'cache.stale', ageMs, error }, call)
    call.source = 'stale'
    call.ageMs = ageMs
    parent.ok(good.value)
  }

  #answerFromMemory(key: string, call: Call, parent: Frame): boolean {
    const entry = this.#entries.get(key)
    if (entry === undefined) return false
    const { good, bad } = entry
    const { ttlMs, revalidateMs } = this.#settings
    const ageMs = good === null ? Infinity : call.at - good.at
    const remembered = bad !== null && call.at < bad.until
    if (good !== null && ageMs < ttlMs + revalidateMs) {
      const fresh = ageMs < ttlMs
      if (fresh) this.site.tally.cacheHits++
      else {
        this.site.tally.cacheRevalidated++
        // Begun before the answer is given: it takes over the slots that this call holds.
        if (!remembered && !this.#flights.has(key)) this.#refresh(key, call)
      }
      call.source = fresh ? 'cache' : 'stale'
      call.ageMs = ageMs
      parent.ok(good.value)
      return true
    }
    if (remembered) {
      this.site.tally.cacheErrors++
      this.answerFailure(call, parent, key, bad.error)
      return true
    }
    return false
  }

  #fly(key: string, call: Call, parent: Frame): void {
    const under = this.#flights.get(key)
    if (under === undefined) {
      this.#begin(key, call, parent)
    } else {
      this.site.tally.cacheJoined++
      under.join(call, parent)
    }
  }

  /** For nobody in particular, and so with the policy's own time: that of the caller who came by is of no concern. */
  #refresh(key: string, caller: Call): void {
    this.site.tally.cacheRefreshes++
    const call = new Call(caller.work, caller.at, null, caller.traits).inherit(caller)
    call.own = caller.own
    this.#begin(key, call, NOBODY)
  }

  #begin(key: string, call: Call, parent: Frame): void {
    const flight = new Flight(this, key, call)
    this.#flights.set(key, flight)
    flight.join(call, parent)
    if (flight.wanted) flight.start(this.#next)
    else this.landed(flight)
  }
}
