import type { Call, Context, Frame, Leaf, Step } from './call.ts'
import { DeadlineExceededError, withoutStack } from './errors.ts'
import type { Site } from './part.ts'

/** The innermost step: calls the function, once. */
export class Invoke implements Step {
  readonly #site: Site

  constructor(site: Site) {
    this.#site = site
  }

  enter(call: Call, parent: Frame): void {
    if (call.deadline - call.at < call.leastMs) this.#tooLate(call, parent)
    else new Invocation(call, parent, this.#site).start()
  }

  #tooLate(call: Call, parent: Frame): void {
    const { policy, tally } = this.#site
    const incoming = call.deadlineIsHandedIn
    tally.deadlines++
    this.#site.emit({ type: 'deadline', begun: false, incoming }, call)
    parent.fail(withoutStack(() => new DeadlineExceededError(policy, { incoming, begun: false })))
  }
}

/**
 * One run of the function, and its context. The only place where an answer can come late: every frame above is answered
 * once, here or by an interruption, and what comes after that is counted and dropped.
 */
class Invocation implements Context, Leaf {
  readonly attempt: number
  /** As it stood when the function was called. */
  readonly #deadline: number | null
  readonly #call: Call
  readonly #site: Site
  readonly #holder: Call['holder']
  /** Null when it has its answer. */
  #parent: Frame | null
  #interruption: { reason: unknown } | null = null
  #controller: AbortController | null = null

  constructor(call: Call, parent: Frame, site: Site) {
    this.#call = call
    this.attempt = call.attempt
    this.#deadline = call.soonest
    this.#site = site
    this.#parent = parent
    this.#holder = call.holder
  }

  get deadline(): number {
    return this.#deadline ?? Infinity
  }

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController()
      if (this.#interruption !== null) this.#controller.abort(this.#interruption.reason)
    }
    return this.#controller.signal
  }

  start(): void {
    const call = this.#call
    if (!call.waitFor(this)) return
    call.started++
    this.#site.tally.invocations++
    for (let holder = this.#holder; holder !== null; holder = holder.outer) holder.running++
    let result: unknown
    try {
      result = call.work(this)
    } catch (error) {
      this.#settle(false, error)
      return
    }
    if (isThenable(result)) {
      const promise = result instanceof Promise ? result : Promise.resolve(result)
      promise.then(
        value => this.#settle(true, value),
        error => this.#settle(false, error)
      )
    } else {
      this.#settle(true, result)
    }
  }

  interrupt(reason: unknown): void {
    const parent = this.#parent!
    this.#parent = null
    this.#interruption = { reason }
    // The answer goes out first: a listener of the signal that throws or dawdles is not the caller's concern.
    parent.fail(reason)
    this.#controller?.abort(reason)
  }

  #settle(ok: boolean, result: unknown): void {
    for (let holder = this.#holder; holder !== null; holder = holder.outer) {
      if (--holder.running === 0) holder.idle()
    }
    const parent = this.#parent
    if (parent === null) {
      this.#site.tally.late++
      this.#site.emit({ type: 'late', outcome: ok ? 'ok' : 'failed' }, this.#call)
      return
    }
    this.#parent = null
    this.#call.leaf = null
    if (ok) parent.ok(result)
    else parent.fail(result)
  }
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  value !== null &&
  (typeof value === 'object' || typeof value === 'function') &&
  typeof (value as { then?: unknown }).then === 'function'
