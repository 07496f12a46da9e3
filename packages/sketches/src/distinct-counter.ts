import { hash64 } from './hash64.ts'
import { MalformedSketchError } from './malformed.ts'
import { estimateRegisters, MAX_RANK, observe, PRECISION, REGISTERS } from './registers.ts'

/**
 * Counts distinct things. Up to a limit (4,096 by default) exactly, by keeping their 64-bit hashes; beyond that with HyperLogLog
 * (Flajolet et al. 2007) on 2^12 registers, relative standard error 1.6 %.
 *
 * Which of the two forms it has depends on its limit and on what it has seen only, never on the order of adds and merges.
 * "Exactly" means: unless two of at most 4,096 things share a 64-bit hash, a chance below 10^-12.
 */
export interface DistinctCounter {
  /** Hashes held in `table`; 0 once dense. */
  size: number
  /** An open-addressed set of hashes, two lanes each, (0, 0) for a free slot. A power of two of slots, half full at most. */
  table: Uint32Array
  /** The dense form, once there are more than `limit` hashes. */
  registers: Uint8Array | null
  /** Up to this many distinct things are counted exactly: 8 bytes each, so a smaller one makes smaller rows. */
  limit: number
}

/** The default, and the most, for how many distinct things are counted exactly. */
export const EXACT_LIMIT = 4096

const SPARSE = 0x21
const DENSE = 0x22
const SMALLEST_TABLE = 16
const DENSE_LENGTH = 1 + (REGISTERS * 6) / 8
const NO_TABLE = new Uint32Array(0)
const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1
const LOW = LITTLE_ENDIAN ? 0 : 1
const HIGH = 1 - LOW

/** @param limit how many to count exactly, 0 to `EXACT_LIMIT` */
export const empty = (limit = EXACT_LIMIT): DistinctCounter => ({ size: 0, table: NO_TABLE, registers: null, limit })

const lanes = new Uint32Array(2)

/** Adds a string, by its UTF-16 code units: `é` composed and `é` decomposed are two things. */
export function addString(c: DistinctCounter, text: string): void {
  hash64(text, lanes)
  addHash(c, lanes[0]!, lanes[1]!)
}

/** Adds a thing by its own 64-bit hash, as two unsigned 32-bit lanes. The bits must be evenly spread. */
export function addHash(c: DistinctCounter, high: number, low: number): void {
  if (c.registers !== null) observe(c.registers, high, low)
  // (0, 0) marks a free slot, so the hash zero is taken as one.
  else insert(c, high >>> 0, (high | low) === 0 ? 1 : low >>> 0)
}

/** Adds all that `from` has seen to `into`. The order of merges makes no difference to the bytes. */
export function merge(into: DistinctCounter, from: DistinctCounter): void {
  if (from === into) return
  if (from.registers === null) {
    const { table } = from
    for (let i = 0; i < table.length; i += 2) {
      if ((table[i]! | table[i + 1]!) !== 0) addHash(into, table[i + HIGH]!, table[i + LOW]!)
    }
    return
  }
  const registers = into.registers ?? densify(into)
  for (let i = 0; i < REGISTERS; i++) {
    if (from.registers[i]! > registers[i]!) registers[i] = from.registers[i]!
  }
}

/** How many distinct things were seen; `error` is the relative standard error of that, 0 when the count is exact. */
export function estimate(c: DistinctCounter): { count: number; error: number } {
  if (c.registers === null) return { count: c.size, error: 0 }
  return { count: Math.round(estimateRegisters(c.registers)), error: 1.04 / Math.sqrt(REGISTERS) }
}

/** One byte and 8 a thing while exact, 3,073 bytes when dense. The same things seen give the same bytes. */
export function encode(c: DistinctCounter): Uint8Array {
  if (c.registers !== null) return encodeDense(c.registers)
  const sorted = new Uint32Array(c.size * 2)
  let at = 0
  for (let i = 0; i < c.table.length; i += 2) {
    if ((c.table[i]! | c.table[i + 1]!) === 0) continue
    sorted[at++] = c.table[i]!
    sorted[at++] = c.table[i + 1]!
  }
  const hashes = new BigUint64Array(sorted.buffer).sort()
  const bytes = new Uint8Array(1 + c.size * 8)
  bytes[0] = SPARSE
  if (LITTLE_ENDIAN) {
    bytes.set(new Uint8Array(sorted.buffer), 1)
  } else {
    const view = new DataView(bytes.buffer)
    for (let i = 0; i < hashes.length; i++) view.setBigUint64(1 + i * 8, hashes[i]!, true)
  }
  return bytes
}

/**
 * @param limit as for `empty`: more hashes than this become dense here
 * @throws MalformedSketchError when the bytes are not what `encode` writes.
 */
export function decode(bytes: Uint8Array, limit = EXACT_LIMIT): DistinctCounter {
  if (bytes[0] === SPARSE) {
    const c = decodeSparse(bytes)
    c.limit = limit
    if (c.size > limit) densify(c)
    return c
  }
  if (bytes[0] === DENSE) return { size: 0, table: NO_TABLE, registers: decodeDense(bytes), limit }
  throw new MalformedSketchError('these bytes are not a distinct counter of a known version')
}

function insert(c: DistinctCounter, high: number, low: number): void {
  if (c.size < c.limit && c.table.length < c.size * 4 + 4) grow(c)
  const { table } = c
  const mask = table.length - 1
  let i = (low << 1) & mask
  for (;;) {
    const heldLow = table[i + LOW]!
    const heldHigh = table[i + HIGH]!
    if (heldLow === low && heldHigh === high) return
    if ((heldLow | heldHigh) === 0) break
    i = (i + 2) & mask
  }
  if (c.size >= c.limit) {
    observe(densify(c), high, low)
    return
  }
  table[i + LOW] = low
  table[i + HIGH] = high
  c.size++
}

function grow(c: DistinctCounter): void {
  const old = c.table
  c.table = new Uint32Array(Math.max(SMALLEST_TABLE * 2, old.length * 2))
  c.size = 0
  for (let i = 0; i < old.length; i += 2) {
    if ((old[i]! | old[i + 1]!) !== 0) insert(c, old[i + HIGH]!, old[i + LOW]!)
  }
}

function densify(c: DistinctCounter): Uint8Array {
  const registers = new Uint8Array(REGISTERS)
  for (let i = 0; i < c.table.length; i += 2) {
    if ((c.table[i]! | c.table[i + 1]!) !== 0) observe(registers, c.table[i + HIGH]!, c.table[i + LOW]!)
  }
  c.registers = registers
  c.table = NO_TABLE
  c.size = 0
  return registers
}

function decodeSparse(bytes: Uint8Array): DistinctCounter {
  const n = (bytes.length - 1) / 8
  if (!Number.isInteger(n)) throw new MalformedSketchError('the sketch is cut short')
  if (n > EXACT_LIMIT) throw new MalformedSketchError(`an exact counter holds at most ${EXACT_LIMIT} hashes, not ${n}`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const c = empty()
  if (n > 0) c.table = new Uint32Array(2 ** Math.ceil(Math.log2(Math.max(SMALLEST_TABLE, n * 2))) * 2)
  let lastHigh = 0
  let lastLow = 0
  for (let at = 1; at < bytes.length; at += 8) {
    const low = view.getUint32(at, true)
    const high = view.getUint32(at + 4, true)
    if (high < lastHigh || (high === lastHigh && low <= lastLow)) {
      throw new MalformedSketchError('the hashes of the sketch are not in ascending order')
    }
    insert(c, high, low)
    lastHigh = high
    lastLow = low
  }
  return c
}

/** Four registers of six bits in three bytes. */
function encodeDense(registers: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(DENSE_LENGTH)
  bytes[0] = DENSE
  let at = 1
  for (let i = 0; i < REGISTERS; i += 4) {
    const four = registers[i]! | (registers[i + 1]! << 6) | (registers[i + 2]! << 12) | (registers[i + 3]! << 18)
    bytes[at++] = four
    bytes[at++] = four >> 8
    bytes[at++] = four >> 16
  }
  return bytes
}

function decodeDense(bytes: Uint8Array): Uint8Array {
  if (bytes.length !== DENSE_LENGTH) {
    throw new MalformedSketchError(`a dense counter has ${DENSE_LENGTH} bytes, not ${bytes.length}`)
  }
  const registers = new Uint8Array(REGISTERS)
  let at = 1
  for (let i = 0; i < REGISTERS; i += 4) {
    const four = bytes[at++]! | (bytes[at++]! << 8) | (bytes[at++]! << 16)
    for (let j = 0; j < 4; j++) registers[i + j] = (four >> (6 * j)) & 63
  }
  const worst = registers.reduce((a, b) => Math.max(a, b))
  if (worst > MAX_RANK)
    throw new MalformedSketchError(`a register of ${worst} cannot come from a ${64 - PRECISION}-bit rest`)
  return registers
}
