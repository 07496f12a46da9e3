import type { PolicyEvent, PolicyListener } from './events.ts'
import { checkWhole } from './part.ts'

export interface EventStreamOptions {
  /** How many events wait at most for whoever reads; beyond that the oldest are dropped. Default 1,000. */
  max?: number
  /** Ends it. */
  signal?: AbortSignal
}

/** The events of a policy, one after another. It ends by `return()`, as at the end of a `for await`, or by its signal. */
export interface EventStream extends AsyncIterableIterator<PolicyEvent, undefined, void>, AsyncDisposable {
  /** How many were dropped because nobody read them in time. */
  readonly dropped: number
  return(): Promise<IteratorResult<PolicyEvent, undefined>>
}

type Result = IteratorResult<PolicyEvent, undefined>
const END: Result = { done: true, value: undefined }

/**
 * @param on a policy's `on`. It holds the stream until that has ended: its buffer is all that a forgotten one costs.
 * @throws RangeError when `max` is no whole number above zero.
 */
export function eventStream(
  on: (listener: PolicyListener) => () => void,
  { max = 1_000, signal }: EventStreamOptions = {}
): EventStream {
  checkWhole('max', max, 1)
  /** A ring: `length` events from `first` on. */
  const events: PolicyEvent[] = []
  let first = 0
  let length = 0
  let dropped = 0
  let ended = false
  const waiting: ((result: Result) => void)[] = []

  const hear: PolicyListener = event => {
    const next = waiting.shift()
    if (next !== undefined) {
      next({ done: false, value: event })
      return
    }
    if (length === max) {
      first = (first + 1) % max
      dropped++
    } else length++
    events[(first + length - 1) % max] = event
  }
  const end = () => {
    if (ended) return
    ended = true
    leave()
    signal?.removeEventListener('abort', end)
    for (const next of waiting.splice(0)) next(END)
  }
  const leave = on(hear)
  if (signal?.aborted) end()
  else signal?.addEventListener('abort', end)

  return {
    get dropped() {
      return dropped
    },
    next() {
      if (length > 0) {
        const value = events[first]!
        first = (first + 1) % max
        length--
        return Promise.resolve({ done: false, value })
      }
      if (ended) return Promise.resolve(END)
      return new Promise(resolve => waiting.push(resolve))
    },
    return() {
      end()
      events.length = length = 0
      return Promise.resolve(END)
    },
    async [Symbol.asyncDispose]() {
      await this.return()
    },
    [Symbol.asyncIterator]() {
      return this
    }
  }
}
