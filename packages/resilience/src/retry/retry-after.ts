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

/**
 * How long to wait when `asked` was asked for: that, and a random part of a share of it on top. All who were told the same
 * would otherwise be back in the same instant, and the back-off, of milliseconds, spreads them by no more than itself.
 *
 * Never sooner than asked, and never later than `asked` × (1 + `share`). The range grows with the wait, because a long one
 * gathers more who wait. After Envoy's `JitteredLowerBoundBackOffStrategy`, which draws from once to 1.5 times the header.
 */
export function retryAfterMs(asked: number, share: number, random: () => number): number {
  return asked === 0 ? 0 : asked * (1 + share * random())
}
