import { createHash, createHmac } from 'node:crypto'

/**
 * A name for whoever stands behind an address and a user agent: HMAC-SHA-256 under the project's key, so that nobody
 * without the key can find the address by trying them all. The address itself is never stored.
 */
export function userIdOf(key: Uint8Array, address: string, userAgent: string): string {
  return `u_${createHmac('sha256', key).update(`${address}\n${userAgent}`).digest('hex').slice(0, 32)}`
}

/** The same for the same line and occurrence, so that importing a file again adds nothing. */
export function eventIdOf(timeMs: number, lineHash: Uint8Array, occurrence: number): string {
  return uuid7(timeMs, createHash('sha256').update(lineHash).update(`\n${occurrence}`).digest())
}

/**
 * All that a user does is one stream, which the platform cuts into sessions: only so does a log in two halves, in either
 * order, give the sessions of the whole. There is no time to put into the id, so it is a UUID of version 8 (RFC 9562).
 */
export function sessionIdOf(userId: string): string {
  const bytes = createHash('sha256').update(`session\n${userId}`).digest().subarray(0, 16)
  return uuidText(bytes, 8)
}

/** What stands for a line, without its end. */
export function lineHashOf(line: Uint8Array): Buffer {
  return createHash('sha256').update(line).digest()
}

/**
 * The layout of a UUID version 7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then 74 of the bits given.
 * @param bits at least 10 bytes; who gives the same time and bits again gets the same id again
 */
function uuid7(timeMs: number, bits: Uint8Array): string {
  const bytes = Buffer.alloc(16)
  bytes.writeUIntBE(timeMs, 0, 6)
  bytes.set(bits.subarray(0, 10), 6)
  return uuidText(bytes, 7)
}

function uuidText(bytes: Buffer, version: number): string {
  bytes[6] = (version << 4) | (bytes[6]! & 0x0f)
  bytes[8] = 0x80 | (bytes[8]! & 0x3f)
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
