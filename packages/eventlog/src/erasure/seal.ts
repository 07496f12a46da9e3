import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto'

/** A value that only its subject's key opens. It is JSON, and may be kept wherever the value would be. */
export interface Sealed {
  $sealed: string
  v: string
}

/** What stands in place of a sealed value once its subject was erased. The same for all, so that a replay gives the same. */
export interface Erased {
  $erased: string
}

export function isSealed(value: unknown): value is Sealed {
  return typeof value === 'object' && value !== null && typeof (value as Partial<Sealed>).$sealed === 'string'
}

export function isErased(value: unknown): value is Erased {
  return typeof value === 'object' && value !== null && typeof (value as Partial<Erased>).$erased === 'string'
}

const cipher = 'aes-256-gcm'

/** Nonce, tag, text. `extra` is authenticated and not kept. */
export function encrypt(key: Uint8Array, nonce: Uint8Array, text: Uint8Array, extra: string): Buffer {
  const encryption = createCipheriv(cipher, key, nonce).setAAD(Buffer.from(extra))
  const encrypted = Buffer.concat([encryption.update(text), encryption.final()])
  return Buffer.concat([nonce, encryption.getAuthTag(), encrypted])
}

export function decrypt(key: Uint8Array, bytes: Uint8Array, extra: string): Buffer {
  const decryption = createDecipheriv(cipher, key, bytes.subarray(0, 12)).setAAD(Buffer.from(extra))
  decryption.setAuthTag(bytes.subarray(12, 28))
  return Buffer.concat([decryption.update(bytes.subarray(28)), decryption.final()])
}

/**
 * AES-256-GCM. The nonce follows from the key, what is sealed and `salt` (the idea of SIV, RFC 5297): the same value at
 * the same place is the same text, and another value never meets the same nonce.
 */
export function seal(key: Uint8Array, subject: string, value: unknown, salt: string): Sealed {
  const text = Buffer.from(JSON.stringify(value ?? null))
  const nonceKey = createHmac('sha256', key).update('nonce').digest()
  const nonce = createHmac('sha256', nonceKey).update(`${salt.length}:${salt}`).update(text).digest().subarray(0, 12)
  return { $sealed: subject, v: encrypt(key, nonce, text, subject).toString('base64url') }
}

export function unseal(key: Uint8Array, { $sealed, v }: Sealed): unknown {
  return JSON.parse(decrypt(key, Buffer.from(v, 'base64url'), $sealed).toString())
}
