import { boardText } from '../board/details.ts'
import { checkRange, checkWhole, DAY_MS } from '../ranges.ts'

/**
 * Whose the thing is that is looked at. `shared`: other replicas depend on the same one (a database, a broker, another
 * API). `own`: it is this process's alone (its disk, its local store, a model it must have loaded).
 */
export type CheckKind = 'shared' | 'own'

/** What a failing check does to `/ready`: `fail` answers 503, `warn` says so with 200, `none` is left out of it. */
export type CheckReadiness = 'fail' | 'warn' | 'none'

/** What a check may tell besides that it went well. */
export interface CheckResult {
  /** Default: how long the run took, in milliseconds. */
  observedValue?: number | string
  observedUnit?: string
  /** Well enough to pass, and people should know this. */
  warn?: string
}

export interface CheckOptions {
  /** `component` or `component:measurement`, as in `postgres:responseTime`: letters, digits, `.`, `_` and `-`. */
  name: string
  kind: CheckKind
  /** Looks once. Rejecting or throwing is a failure, and the error's message is shown. Ends when `signal` aborts. */
  run: (context: { signal: AbortSignal }) => PromiseLike<CheckResult | undefined> | CheckResult | undefined
  /** From the end of a run to the next, in milliseconds. Default 10,000. */
  everyMs?: number
  /** A run without an answer after this many milliseconds has failed. Default 1,000. */
  timeoutMs?: number
  /** So many failures one after another make a passing check fail. Default 3. */
  failAfter?: number
  /** So many successes one after another make a failing check pass. Default 2. */
  passAfter?: number
  /** A result older than this, in milliseconds, says so. Default three times `everyMs` and `timeoutMs` together. */
  staleAfterMs?: number
  /** Default `warn` for what is shared and `fail` for what is own. */
  readiness?: CheckReadiness
  /** Why a shared dependency may fail readiness. Required then, and shown in the report. */
  because?: string
}

export type Check = Readonly<
  Required<Omit<CheckOptions, 'because'>> & {
    because: string | undefined
  }
>

const NAME = /^[\w.-]{1,60}(?::[\w.-]{1,60})?$/
/** The package's own measurements. */
const TAKEN = /^(?:eventLoop|heap|memory|process|health)(?::|$)/

/**
 * A check of a dependency or a resource, made once and given to `startHealth`.
 * @throws RangeError for what is out of range, and for a shared dependency that may fail readiness without a `because`.
 */
export function check(options: CheckOptions): Check {
  const { name, kind, run, because } = options
  if (!NAME.test(name)) throw new RangeError(`a check is named component:measurement, not '${name}'`)
  if (TAKEN.test(name)) throw new RangeError(`the name '${name}' is taken by what is measured in any case`)
  if (kind !== 'shared' && kind !== 'own') throw new RangeError(`${name}: kind is 'shared' or 'own', not '${kind}'`)
  const readiness = options.readiness ?? (kind === 'own' ? 'fail' : 'warn')
  if (!['fail', 'warn', 'none'].includes(readiness)) {
    throw new RangeError(`${name}: readiness is 'fail', 'warn' or 'none', not '${readiness}'`)
  }
  if (kind === 'shared' && readiness === 'fail' && !because) {
    throw new RangeError(
      `${name}: a shared dependency that fails readiness takes every replica out at once; say in 'because' why it may`
    )
  }
  const everyMs = checkRange(`${name}: everyMs`, options.everyMs ?? 10_000, 1, DAY_MS)
  const timeoutMs = checkRange(`${name}: timeoutMs`, options.timeoutMs ?? 1_000, 1, DAY_MS)
  return Object.freeze({
    name,
    kind,
    run,
    everyMs,
    timeoutMs,
    failAfter: checkWhole(`${name}: failAfter`, options.failAfter ?? 3, 1, 1_000),
    passAfter: checkWhole(`${name}: passAfter`, options.passAfter ?? 2, 1, 1_000),
    staleAfterMs: checkRange(
      `${name}: staleAfterMs`,
      options.staleAfterMs ?? 3 * (everyMs + timeoutMs),
      everyMs,
      10 * DAY_MS
    ),
    readiness,
    because: because === undefined ? undefined : boardText(because)
  })
}
