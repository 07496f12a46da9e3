/** The methods that RFC 9110 (9.2.2) calls idempotent. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE'])

/** Whether a request may be sent twice: by its method, or because it carries an `Idempotency-Key`. */
export const isIdempotent = (method: string, headers: Headers): boolean =>
  IDEMPOTENT.has(method.toUpperCase()) || headers.has('idempotency-key')

/** Whether a body can be sent twice. A stream cannot. */
export const isRepeatable = (body: unknown): boolean =>
  body === undefined ||
  body === null ||
  typeof body === 'string' ||
  body instanceof ArrayBuffer ||
  ArrayBuffer.isView(body) ||
  body instanceof Blob ||
  body instanceof URLSearchParams ||
  body instanceof FormData

/** Method and place of a request, for people; without the query, which may hold what is not for logs. */
export function described(method: string, input: string | URL | Request): string {
  const url = input instanceof Request ? input.url : String(input)
  return `${method} ${url.replace(/[?#].*$/s, '')}`
}
