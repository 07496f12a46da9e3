import { parseRetryBudgetHeader, RETRY_BUDGET_HEADER } from '../retry/budget-header.ts'
import { parseRetryAfter } from '../retry/retry-after.ts'
import { HttpStatusError, statusDecision } from './status.ts'

/** As much of what undici's `request` answers with as is needed here. */
interface UndiciResponse {
  readonly statusCode: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly body: { dump(): Promise<unknown> }
}

/**
 * For a policy around undici's `request`, of the module, a `Pool` or any `Dispatcher`: gives the response back, or rejects
 * with an `HttpStatusError` when its status is a failure, the body having been dumped.
 * @param wallNow against which a date in `Retry-After` is set, in milliseconds since 1970. Default: now.
 */
export async function fromUndici<R extends UndiciResponse>(
  response: R | PromiseLike<R>,
  { wallNow = Date.now }: { wallNow?: () => number } = {}
): Promise<R> {
  const answered = await response
  const { statusCode: status, headers, body } = answered
  if (statusDecision(status) === 'answer') return answered
  // A fault in the body changes nothing: the status is known.
  await body.dump().catch(() => {})
  throw new HttpStatusError('the request', {
    status,
    retryAfterMs: parseRetryAfter(one(headers['retry-after']), wallNow()),
    retryable: !parseRetryBudgetHeader(one(headers[RETRY_BUDGET_HEADER.toLowerCase()]))
  })
}

const one = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value)
