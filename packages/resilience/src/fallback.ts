import type { Call, Frame, Leaf, Step } from './call.ts'
import type { Bound, Part, Site } from './part.ts'

export interface FallbackOptions {
  /** Which errors it answers for. Default: all. A call that was given up by its caller is never answered for. */
  when?: (error: unknown) => boolean
}

/**
 * Answers with `value`, or with what it returns for the error when it is a function, when what is inside fails. The type
 * of the policy's answers grows by it.
 *
 * A function may be asynchronous, but then nothing but the parts outside of it limit its time. When it throws, that is
 * the call's error.
 */
export function fallback<const V>(
  value: V | ((error: unknown) => V | PromiseLike<V>),
  { when }: FallbackOptions = {}
): Part<V> {
  const what = typeof value === 'function' ? 'with what its function makes of the error' : `with ${describe(value)}`
  const which = when ? 'on the errors it is for' : "on any error but the caller's abort"
  return {
    kind: 'fallback',
    explain: () => `fallback: answers ${what} ${which}`,
    bind: (site, next) => bindFallback(value, when ?? (() => true), site, next)
  }
}

function describe(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`
}

function bindFallback(value: unknown, when: (error: unknown) => boolean, site: Site, next: Step): Bound {
  return { enter: (call, parent) => next.enter(call, new FallbackFrame(value, when, site, call, parent)) }
}

class FallbackFrame implements Frame, Leaf {
  readonly #value: unknown
  readonly #when: (error: unknown) => boolean
  readonly #site: Site
  readonly #call: Call
  readonly #parent: Frame
  #interrupted = false

  constructor(value: unknown, when: (error: unknown) => boolean, site: Site, call: Call, parent: Frame) {
    this.#value = value
    this.#when = when
    this.#site = site
    this.#call = call
    this.#parent = parent
  }

  ok(value: unknown): void {
    this.#parent.ok(value)
  }

  fail(error: unknown): void {
    const call = this.#call
    if (call.interruptedBy !== null) {
      this.#parent.fail(error)
      return
    }
    let answer: unknown
    try {
      if (!this.#when(error)) {
        this.#parent.fail(error)
        return
      }
      this.#site.tally.fallbacks++
      this.#site.emit({ type: 'fallback', error }, call)
      answer = typeof this.#value === 'function' ? this.#value(error) : this.#value
    } catch (thrown) {
      this.#parent.fail(thrown)
      return
    }
    if (answer instanceof Promise) this.#await(answer)
    else this.#answer(answer)
  }

  interrupt(reason: unknown): void {
    this.#interrupted = true
    this.#parent.fail(reason)
  }

  #await(answer: Promise<unknown>): void {
    if (!this.#call.waitFor(this)) return
    answer.then(
      value => {
        if (!this.#interrupted) this.#answer(value)
      },
      error => {
        if (!this.#interrupted) this.#end().fail(error)
      }
    )
  }

  #answer(value: unknown): void {
    this.#call.source = 'fallback'
    this.#end().ok(value)
  }

  #end(): Frame {
    this.#call.leaf = null
    return this.#parent
  }
}
