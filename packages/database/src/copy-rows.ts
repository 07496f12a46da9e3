import { Buffer } from 'node:buffer'
import type { CopyData } from './database.ts'
import { DatabaseError } from './errors.ts'

/**
 * The columns that `copyRows` can write, by the names that PostgreSQL gives their types. `text`, `json` and `jsonb` take a
 * string, `uuid` one in its usual form of 36 characters, `int2` and `int4` a number, `int8` a number, a bigint or its decimal text,
 * `timestamptz` a Date or the milliseconds since 1970. Each takes null or undefined for NULL.
 */
export type CopyType = 'int2' | 'int4' | 'int8' | 'json' | 'jsonb' | 'text' | 'timestamptz' | 'uuid'

type Write = (value: never) => void

// One memory for all: what is written is copied out before anything else can be written.
let memory = Buffer.allocUnsafeSlow(65_536)
let end = 0

/** What is kept between two calls; a larger one is let go. */
const KEPT_BYTES = 4_194_304

function need(bytes: number): void {
  if (end + bytes <= memory.length) return
  const larger = Buffer.allocUnsafeSlow(Math.max(memory.length * 2, end + bytes))
  memory.copy(larger, 0, 0, end)
  memory = larger
}

function string(value: string): void {
  need(4 + value.length * 3)
  const bytes = memory.write(value, end + 4)
  memory.writeInt32BE(bytes, end)
  end += 4 + bytes
}

function int2(value: number): void {
  if (!Number.isInteger(value) || value < -32_768 || value > 32_767) throw unfit('int2', value)
  need(6)
  memory.writeInt32BE(2, end)
  memory.writeInt16BE(value, end + 4)
  end += 6
}

function int4(value: number): void {
  if (!Number.isInteger(value) || value !== (value | 0)) throw unfit('int4', value)
  need(8)
  memory.writeInt32BE(4, end)
  memory.writeInt32BE(value, end + 4)
  end += 8
}

function int8(value: number | bigint | string): void {
  let whole: bigint
  try {
    whole = BigInt(value)
  } catch {
    throw unfit('int8', value)
  }
  if (whole !== BigInt.asIntN(64, whole)) throw unfit('int8', value)
  need(12)
  memory.writeInt32BE(8, end)
  memory.writeBigInt64BE(whole, end + 4)
  end += 12
}

/** Milliseconds from 1970 to 2000, from when PostgreSQL counts. */
const EPOCH_MS = 946_684_800_000

function timestamptz(value: Date | number): void {
  const micros = (Number(value) - EPOCH_MS) * 1_000
  // Two halves, since a double is exact to 2^53 only and a bigint costs more than all else here.
  if (!Number.isSafeInteger(micros)) throw unfit('timestamptz', value)
  const high = Math.floor(micros / 4_294_967_296)
  need(12)
  memory.writeInt32BE(8, end)
  memory.writeInt32BE(high, end + 4)
  memory.writeUInt32BE(micros - high * 4_294_967_296, end + 8)
  end += 12
}

const digits = new Int8Array(128).fill(-1)
for (const digit of '0123456789abcdefABCDEF') digits[digit.charCodeAt(0)] = Number.parseInt(digit, 16)

/** Digit by digit: to take the dashes out and have the rest read as hexadecimal makes three strings of each. */
function uuid(value: string): void {
  if (value.length !== 36) throw unfit('uuid', value)
  need(20)
  memory.writeInt32BE(16, end)
  end += 4
  let wrong = 0
  for (let i = 0; i < 36; i += 2) {
    if (i === 8 || i === 13 || i === 18 || i === 23) {
      wrong |= value.charCodeAt(i) - 45
      i++
    }
    const byte = ((digits[value.charCodeAt(i)] ?? -1) << 4) | (digits[value.charCodeAt(i + 1)] ?? -1)
    wrong |= byte & ~255
    memory[end++] = byte
  }
  if (wrong !== 0) throw unfit('uuid', value)
}

function text(value: string): void {
  if (typeof value !== 'string') throw unfit('text', value)
  string(value)
}

function json(value: string): void {
  if (typeof value !== 'string') throw unfit('json', value)
  string(value)
}

/** The text, behind the number of its format. */
function jsonb(value: string): void {
  if (typeof value !== 'string') throw unfit('jsonb', value)
  need(5 + value.length * 3)
  const bytes = memory.write(value, end + 5)
  memory.writeInt32BE(1 + bytes, end)
  memory[end + 4] = 1
  end += 5 + bytes
}

const writers: Record<CopyType, Write> = { int2, int4, int8, json, jsonb, text, timestamptz, uuid }

function unfit(type: CopyType, value: unknown): DatabaseError {
  return new DatabaseError(`${JSON.stringify(String(value)).slice(0, 80)} is no ${type}`, '22P02')
}

/**
 * Rows as the bytes that `copyIn` loads in COPY's binary format: the server need not read times, ids and numbers out of
 * text. Each row has a value for each of `types`, in their order, which is that of the columns.
 * @throws DatabaseError 22P02 for a value that is none of its type; what the server alone can tell, it tells.
 */
export function copyRows(types: readonly CopyType[], rows: readonly (readonly unknown[])[]): Uint8Array<ArrayBuffer> {
  const write = types.map(type => writers[type])
  try {
    // The signature, no flags, and no further header.
    end = memory.write('PGCOPY\n\xff\r\n\0', 0, 'latin1')
    memory.fill(0, end, end + 8)
    end += 8
    for (const row of rows) {
      need(2)
      end = memory.writeInt16BE(write.length, end)
      for (let i = 0; i < write.length; i++) {
        const value = row[i]
        if (value === null || value === undefined) {
          need(4)
          end = memory.writeInt32BE(-1, end)
        } else write[i]!(value as never)
      }
    }
    need(2)
    end = memory.writeInt16BE(-1, end)
    return new Uint8Array(memory.subarray(0, end))
  } finally {
    if (memory.length > KEPT_BYTES) memory = Buffer.allocUnsafeSlow(65_536)
  }
}

/** The statement that loads `rows` from `source`, a file's name or `stdin`. */
export function copyStatement(table: string, columns: readonly string[], source: string, rows: CopyData): string {
  return `copy ${table} (${columns.join(', ')}) from ${source}${typeof rows === 'string' ? '' : ' with (format binary)'}`
}
