import type { Call, Context, Frame, Leaf, Step } from './call.ts'
import { DeadlineExceededError, withoutStack } from './errors.ts'
import type { Site } from './part.ts'

/** The innermost step: calls the function, once. */
export const invoke =
  (site: Site): Step =>
  (call, parent) => {
    if (call.deadline - call.at < call.leastMs) {
      const incoming = call.handedIn <= call.own
      site.tally.deadlines++
      site.emit({ type: 'deadline', begun: false, incoming }, call)
      parent.fail(withoutStack(() => new DeadlineExceededError(site.policy, { incoming, begun: false })))
      return
    }
    const invocation = new Invocation(call, parent, site)
    invocation.start()
  }

/**
 * One run of the function, and its context. The only place where an answer can come late: every frame above is answered
 * once, here or by an interruption, and what comes after that is counted and dropped.
 */
class Invocation implements Context, Leaf {
  readonly attempt: number
  readonly deadline: number
  readonly #call: Call
  readonly #site: Site
  readonly #parent: Frame
  readonly #holder: Call['holder']
  #answered = false
  #interruption: { reason: unknown } | null = null
  #controller: AbortController | null = null

  constructor(call: Call, parent: Frame, site: Site) {
    this.#call = call
    this.attempt = call.attempt
    this.deadline = call.deadline
    this.#site = site
    this.#parent = parent
    this.#holder = call.holder
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
    this.#answered = true
    this.#interruption = { reason }
    // The answer goes out first: a listener of the signal that throws or dawdles is not the caller's concern.
    this.#parent.fail(reason)
    this.#controller?.abort(reason)
  }

  #settle(ok: boolean, result: unknown): void {
    for (let holder = this.#holder; holder !== null; holder = holder.outer) {
      if (--holder.running === 0) holder.idle()
    }
    if (this.#answered) {
      this.#site.tally.late++
      this.#site.emit({ type: 'late', outcome: ok ? 'ok' : 'failed' }, this.#call)
      return
    }
    this.#answered = true
    this.#call.leaf = null
    if (ok) this.#parent.ok(result)
    else this.#parent.fail(result)
  }
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  value !== null &&
  (typeof value === 'object' || typeof value === 'function') &&
  typeof (value as { then?: unknown }).then === 'function'
