import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/**
 * Whether two secrets are the same, in a time that tells nothing about where they differ or how long they are:
 * both are hashed to the same length first.
 */
export function sameSecret(a: string, b: string): boolean {
  return timingSafeEqual(digest(a), digest(b))
}

/**
 * The token of an `Authorization: Bearer …` header (RFC 6750), or `undefined` when there is none.
 * The scheme may be written in any case; a token longer than 1024 characters is none.
 */
export function bearer(request: { headers: IncomingHttpHeaders }): string | undefined {
  const header = request.headers.authorization
  if (header === undefined || header.length > 1100) return
  return /^bearer +([A-Za-z0-9._~+/-]{1,1024}=*) *$/i.exec(header)?.[1]
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
