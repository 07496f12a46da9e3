import { Buffer } from 'node:buffer'

/**
 * One mapping of values for both engines, so that a store cannot depend on a client's habits: bigint columns are
 * numbers while they are safe integers, timestamps are Date, json is parsed, bytea is a Buffer, numeric stays text.
 */

const text = (value: string) => value
const integer = (value: string) => {
  const n = Number(value)
  return Number.isSafeInteger(n) ? n : BigInt(value)
}
const scalars: Record<number, (value: string) => unknown> = {
  16: value => value === 't' || value === 'true',
  17: value => Buffer.from(value.slice(2), 'hex'),
  20: integer,
  21: Number,
  23: Number,
  26: Number,
  114: value => JSON.parse(value),
  700: Number,
  701: Number,
  1082: text,
  1114: value => new Date(`${value.replace(' ', 'T')}Z`),
  1184: timestamp,
  1700: text,
  3802: value => JSON.parse(value)
}
const arrays: Record<number, number> = {
  199: 114,
  1000: 16,
  1001: 17,
  1005: 21,
  1007: 23,
  1009: 25,
  1015: 1043,
  1016: 20,
  1021: 700,
  1022: 701,
  1182: 1082,
  1185: 1184,
  1231: 1700,
  2951: 2950,
  3807: 3802
}

/** Object identifiers of every type that is not left as text. */
export const parsedTypes: readonly number[] = [...Object.keys(scalars), ...Object.keys(arrays)].map(Number)

/** The parser for a column of type `oid`; text when the type has none. */
export function parserFor(oid: number): (value: string) => unknown {
  const element = arrays[oid]
  if (element === undefined) return scalars[oid] ?? text
  const parse = scalars[element] ?? text
  return value => parseArray(value, parse)
}

/** PostgreSQL prints `2026-01-02 03:04:05.678+00`; both engines run in UTC, other offsets are still read right. */
function timestamp(value: string): Date | string {
  if (value === 'infinity' || value === '-infinity') return value
  const iso = value.replace(' ', 'T')
  return new Date(/[+-]\d\d$/.test(iso) ? `${iso}:00` : iso)
}

function parseArray(value: string, parse: (text: string) => unknown): unknown[] {
  const root: unknown[] = []
  const stack = [root]
  let i = 1
  while (i < value.length - 1) {
    const c = value[i]
    if (c === '{') {
      const inner: unknown[] = []
      stack.at(-1)!.push(inner)
      stack.push(inner)
      i++
    } else if (c === '}') {
      stack.pop()
      i++
    } else if (c === ',') {
      i++
    } else if (c === '"') {
      let item = ''
      for (i++; value[i] !== '"'; i++) {
        if (value[i] === '\\') i++
        item += value[i]
      }
      i++
      stack.at(-1)!.push(parse(item))
    } else {
      let end = i
      while (end < value.length && value[end] !== ',' && value[end] !== '}') end++
      const item = value.slice(i, end)
      stack.at(-1)!.push(item === 'NULL' ? null : parse(item))
      i = end
    }
  }
  return root
}

/** Turns a parameter into the text the server parses, or null. */
export function encodeParameter(value: unknown): string | null {
  if (value === null || value === undefined) return null
  switch (typeof value) {
    case 'string':
      return value
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value)
    case 'object':
      if (value instanceof Date) return value.toISOString()
      if (value instanceof Uint8Array)
        return `\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`
      return Array.isArray(value) ? encodeArray(value) : JSON.stringify(value)
    default:
      throw new TypeError(`a ${typeof value} cannot be a parameter of a statement`)
  }
}

const plainElement = /^[A-Za-z0-9_.:+-]+$/

function encodeArray(values: readonly unknown[]): string {
  let out = '{'
  for (let i = 0; i < values.length; i++) {
    if (i > 0) out += ','
    const value = values[i]
    if (Array.isArray(value)) {
      out += encodeArray(value)
      continue
    }
    const item = encodeParameter(value)
    if (item === null) out += 'NULL'
    else if (plainElement.test(item) && (item.length !== 4 || item.toUpperCase() !== 'NULL')) out += item
    else out += `"${item.replace(/["\\]/g, '\\$&')}"`
  }
  return `${out}}`
}
