import { hash } from 'node:crypto'
import { hash64 } from '@plimsoll/sketches'

const lanes = new Uint32Array(2)
const signed = new BigInt64Array(lanes.buffer)

/**
 * 64 bits as a signed number in text: enough to tell a resend from another body under one id. Not a cryptographic hash,
 * which would be a sixteenth of what an event costs: who seeks two bodies of one digest under an id of their own has only
 * the second of them called a duplicate.
 */
export function digestOf(canonical: string): string {
  hash64(canonical, lanes)
  return signed[0]!.toString()
}

/**
 * A UUID that is the same for the same words: the event and session a retried request would make again. It is laid out
 * as version 8 (RFC 9562, "custom"), so that it cannot be mistaken for a client's.
 */
export function derivedUuid(...words: string[]): string {
  const hex = hash('sha256', words.join('\n'), 'hex')
  const variant = ((Number.parseInt(hex[16]!, 16) & 3) | 8).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** JSON with the keys of every object sorted, so that equal values have equal text. */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null'
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  const record = value as Record<string, unknown>
  let text = ''
  for (const key of Object.keys(record).sort()) {
    if (record[key] !== undefined)
      text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(record[key])}`
  }
  return `{${text}}`
}
