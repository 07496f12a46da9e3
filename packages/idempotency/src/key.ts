import { IdempotencyKeyInvalidError } from './errors.ts'

/** Longest key, in characters. */
export const KEY_LIMIT = 255

/** A structured-field string (RFC 9651, section 3.3.3): printable ASCII, with `\"` and `\\`. */
const quoted = /^"((?:[ !#-[\]-~]|\\["\\])*)"$/
/** What clients send in practice. A space or a comma would be two keys, or one header sent twice. */
const bare = /^[!#-+\--~]+$/

/**
 * The key in an `Idempotency-Key` header, `undefined` when there is none. The draft (draft-ietf-httpapi-idempotency-key-
 * header-07) makes it a quoted structured-field string; most clients send it bare. `"a"` and `a` are one key.
 * @throws IdempotencyKeyInvalidError
 */
export function readIdempotencyKey(header: string | readonly string[] | undefined): string | undefined {
  if (header === undefined) return
  if (typeof header !== 'string') throw new IdempotencyKeyInvalidError('Send one Idempotency-Key header, not several.')
  const text = header.replace(/^[ \t]+|[ \t]+$/g, '')
  const inQuotes = quoted.exec(text)?.[1]
  const key = inQuotes === undefined ? text : inQuotes.replace(/\\(.)/g, '$1')
  if (inQuotes === undefined && text !== '' && !bare.test(text)) {
    throw new IdempotencyKeyInvalidError(
      'An Idempotency-Key is one quoted string, or printable ASCII without spaces, commas and quotes.'
    )
  }
  if (key === '') throw new IdempotencyKeyInvalidError('The Idempotency-Key is empty.')
  if (key.length > KEY_LIMIT) {
    throw new IdempotencyKeyInvalidError(`The Idempotency-Key has ${key.length} characters; ${KEY_LIMIT} are the most.`)
  }
  return key
}
