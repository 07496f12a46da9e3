/**
 * Milliseconds to wait by a `Retry-After` header (RFC 9110, 10.2.3): seconds, or a date, which is set against `wallNow`.
 * `null` when it is absent or neither of the two. Never negative.
 */
export function parseRetryAfter(value: string | null | undefined, wallNow: number): number | null {
  const text = value?.trim() ?? ''
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000
  // Date.parse takes almost anything; every form of an HTTP date begins with the name of a day.
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text)) return null
  const at = Date.parse(text)
  return Number.isNaN(at) ? null : Math.max(0, at - wallNow)
}

/**
 * What an error says about when to come back: its `retryAfterMs`, or the `Retry-After` in its `headers` or in its
 * `response.headers` (a `Headers` or a plain object in lower case). `null` when it says nothing.
 */
export function retryAfterOf(error: unknown, wallNow: number): number | null {
  if (typeof error !== 'object' || error === null) return null
  const { retryAfterMs } = error as { retryAfterMs?: unknown }
  if (typeof retryAfterMs === 'number' && retryAfterMs >= 0) return retryAfterMs
  const { response, headers = (response as { headers?: unknown } | undefined)?.headers } = error as {
    response?: unknown
    headers?: unknown
  }
  if (headers instanceof Headers) return parseRetryAfter(headers.get('retry-after'), wallNow)
  if (typeof headers !== 'object' || headers === null) return null
  const value = (headers as Record<string, unknown>)['retry-after']
  return typeof value === 'string' ? parseRetryAfter(value, wallNow) : null
}
