import { RetryBudgetExhaustedError } from '../errors.ts'

/** The header by which a server tells its callers not to repeat what it could not repeat itself any more. */
export const RETRY_BUDGET_HEADER = 'X-Retry-Budget'

/**
 * What a server puts into the header of the answer for `error`: `exhausted` when the retry budget was spent, here or, as
 * the error says by `retryable: false`, further down; else `null`. gRPC's `grpc-retry-pushback-ms: -1` means the same.
 */
export function formatRetryBudgetHeader(error: unknown): 'exhausted' | null {
  return error instanceof RetryBudgetExhaustedError || saysNotToRetry(error) ? 'exhausted' : null
}

export const parseRetryBudgetHeader = (value: string | null | undefined): boolean =>
  value?.trim().toLowerCase() === 'exhausted'

/** An error that says of itself that another try is of no use. */
export const saysNotToRetry = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && (error as { retryable?: unknown }).retryable === false
