import { createHash } from 'node:crypto'

export interface FingerprintParts {
  method: string
  route: string
  /** The concrete path and query, where the route is a pattern. */
  target: string | undefined
  body: unknown
}

/**
 * What tells a retry from another request under the same key. Bodies are compared as JSON with sorted keys (the order of
 * RFC 8785, UTF-16 code units), so that a client which writes its keys in another order is still a retry. It begins with
 * its version: a later way to compute it can know the older records and leave them comparable.
 */
export function fingerprint({ method, route, target, body }: FingerprintParts): string {
  const hash = createHash('sha256')
  hash.update(JSON.stringify([method.toUpperCase(), route, target ?? null]))
  if (body instanceof Uint8Array) hash.update('\nbytes\n').update(body)
  else hash.update('\njson\n').update(body === undefined ? '' : canonicalJson(body))
  return `v1:${hash.digest('base64url')}`
}

/** JSON with the keys of every object sorted. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => (isRecord(inner) ? sorted(inner) : inner)) ?? ''
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function sorted(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))
}
