import type { RunOptions } from '../answer.ts'
import { DEADLINE_HEADER, formatDeadlineHeader } from '../deadline-header.ts'
import type { Policy } from '../policy.ts'
import { parseRetryBudgetHeader, RETRY_BUDGET_HEADER } from '../retry/budget-header.ts'
import { parseRetryAfter } from '../retry/retry-after.ts'
import { described, isIdempotent, isRepeatable } from './request.ts'
import { HttpStatusError, statusDecision } from './status.ts'

export interface ResilientFetchOptions {
  /** Default: the global `fetch`, as it is when a request is made. */
  fetch?: (input: string | URL | Request, init: RequestInit) => Promise<Response>
  /** Which responses are errors. Default: those whose status is a failure to `statusDecision`. */
  throwOn?: (response: Response) => boolean
}

/** `fetch`'s own, and what `run` takes. There is no `key`: a response can be read once, so caches keep what was read of it. */
export type ResilientInit = RequestInit & { policy?: Omit<RunOptions, 'signal' | 'key'> }

/** As much of an error's body is read so that its connection can be used again. */
const DRAINED_BYTES = 65_536

/**
 * A `fetch` that goes through `policy`.
 *
 * It passes the policy's signal on, says in `X-Request-Deadline` how many milliseconds are left, and rejects with an
 * `HttpStatusError` for 408, 425, 429, 500, 502, 503 and 504. Any other response is an answer. GET, HEAD, OPTIONS, PUT,
 * DELETE and TRACE are idempotent, any other method with an `Idempotency-Key`, unless `init.policy.idempotent` says
 * otherwise. A stream as the body is never sent twice, whatever was said, and the body of a `Request` is one: what it was
 * made of cannot be seen any more. A body that may be sent again is given in `init`.
 *
 * The policy's time limits hold until the headers are there. Reading the body is the caller's, whose own signal ends that.
 */
export function resilientFetch<A = never>(
  policy: Policy<A>,
  { fetch, throwOn = response => statusDecision(response.status) === 'failure' }: ResilientFetchOptions = {}
): (input: string | URL | Request, init?: ResilientInit) => Promise<Response | A> {
  return (input, { policy: options, ...init } = {}) => {
    const request = input instanceof Request ? input : null
    const method = init.method ?? request?.method ?? 'GET'
    const headers = new Headers(init.headers ?? request?.headers)
    const caller = init.signal === undefined ? request?.signal : (init.signal ?? undefined)
    // `fetch` takes the body of the Request when that in `init` is null, too. It is a stream, whatever it was made of.
    const repeatable = isRepeatable(init.body ?? request?.body)
    const idempotent = repeatable && (options?.idempotent ?? isIdempotent(method, headers))

    const send = async ({ signal, deadline }: { signal: AbortSignal; deadline: number }) => {
      const left = formatDeadlineHeader(deadline, policy.clock)
      if (left !== null) headers.set(DEADLINE_HEADER, left)
      const response = await (fetch ?? globalThis.fetch)(input, {
        ...init,
        headers,
        // The caller's too: the policy's signal is done with once the headers are there, and the body is still to come.
        signal: caller === undefined ? signal : AbortSignal.any([signal, caller])
      })
      if (!throwOn(response)) return response
      await drain(response)
      throw new HttpStatusError(described(method, input), {
        status: response.status,
        retryAfterMs: parseRetryAfter(response.headers.get('retry-after'), policy.clock.wallNow()),
        retryable: !parseRetryBudgetHeader(response.headers.get(RETRY_BUDGET_HEADER))
      })
    }
    return policy.run(send, { ...options, idempotent, signal: caller })
  }
}

/** To its end if that is near, so that the connection stays; else it is cancelled. A fault in it changes nothing. */
async function drain({ body }: Response): Promise<void> {
  if (body === null) return
  const reader = body.getReader()
  try {
    for (let bytes = 0; bytes <= DRAINED_BYTES; ) {
      const { done, value } = await reader.read()
      if (done) return
      bytes += value.byteLength
    }
    await reader.cancel()
  } catch {
    // The status is known, and that is what the error is about.
  }
}
