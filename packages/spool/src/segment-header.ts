import { crc32 } from 'node:zlib'
import { MARKER_BYTES } from './frame.ts'

export const HEADER_BYTES = 56
const MAGIC = Buffer.from('PLSPOOL1', 'latin1')

/**
 * The first bytes of a segment, little-endian: magic (8 bytes), marker (8), floor (8), previousFirst (8),
 * previousLength (8), repaired (4), eight that are free, CRC32 of all before it (4).
 */
export interface SegmentHeader {
  /** Begins each frame of this segment. */
  marker: Buffer
  /** Every number below it may have been given. */
  floor: number
  /**
   * The segment before it, by the number in its name, and how many bytes of that were acknowledged. What stands behind
   * them was never promised to anybody and is not read. 0 when there was none.
   */
  previousFirst: number
  previousLength: number
  /** It is what was left of a damaged segment, so the length that its successor knows is not its own. */
  repaired: boolean
}

export function encodeHeader(header: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES)
  MAGIC.copy(bytes)
  header.marker.copy(bytes, 8)
  bytes.writeBigUInt64LE(BigInt(header.floor), 16)
  bytes.writeBigUInt64LE(BigInt(header.previousFirst), 24)
  bytes.writeBigUInt64LE(BigInt(header.previousLength), 32)
  bytes.writeUInt32LE(header.repaired ? 1 : 0, 40)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, HEADER_BYTES - 4)), HEADER_BYTES - 4)
  return bytes
}

/** `undefined` for what is not a whole header. */
export function decodeHeader(bytes: Buffer): SegmentHeader | undefined {
  if (bytes.length < HEADER_BYTES || !bytes.subarray(0, 8).equals(MAGIC)) return undefined
  if (crc32(bytes.subarray(0, HEADER_BYTES - 4)) !== bytes.readUInt32LE(HEADER_BYTES - 4)) return undefined
  return {
    marker: Buffer.from(bytes.subarray(8, 8 + MARKER_BYTES)),
    floor: Number(bytes.readBigUInt64LE(16)),
    previousFirst: Number(bytes.readBigUInt64LE(24)),
    previousLength: Number(bytes.readBigUInt64LE(32)),
    repaired: bytes.readUInt32LE(40) === 1
  }
}

/** `0000000000000042.spool`: sorted by name is sorted by number. */
export function segmentName(first: number): string {
  return `${String(first).padStart(16, '0')}.spool`
}

/** The number in a segment's name; `undefined` for any other file. */
export function firstOfName(name: string): number | undefined {
  return /^\d{16}\.spool$/.test(name) ? Number(name.slice(0, 16)) : undefined
}
