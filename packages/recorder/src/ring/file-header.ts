import { crc32 } from 'node:zlib'
import type { Source } from '../record.ts'

/**
 * The first 64 bytes of a file, little-endian: magic (8), version (2), source (16, padded with zeros), marker (4),
 * sequence (8), size of the file (4), zeros, and in the last four CRC32 of what is before. The marker is random and new
 * whenever the file is used again, so that records of its earlier life are none of this one's.
 *
 * The version is that of the records. The header itself is the same in every version, which may only use its zeros: a ring
 * goes on in its order whichever version wrote a file of it.
 */
export const HEADER_BYTES = 64
export const VERSION = 1

const magic = Buffer.from('PLIMREC\n', 'latin1')
const VERSION_AT = 8
const SOURCE_AT = 10
const SOURCE_BYTES = 16
const MARKER_AT = 26
const SEQUENCE_AT = 30
const SIZE_AT = 38
const CRC_AT = HEADER_BYTES - 4

export interface FileHeader {
  /** Of its records: those of one later than `VERSION` cannot be read. */
  version: number
  source: Source
  marker: number
  /** Which of all files that this ring ever began, from 1. */
  sequence: number
  size: number
}

export function encodeHeader({ source, marker, sequence, size }: Omit<FileHeader, 'version'>): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES)
  magic.copy(bytes)
  bytes.writeUInt16LE(VERSION, VERSION_AT)
  bytes.write(source, SOURCE_AT, SOURCE_BYTES, 'latin1')
  bytes.writeUInt32LE(marker, MARKER_AT)
  bytes.writeBigUInt64LE(BigInt(sequence), SEQUENCE_AT)
  bytes.writeUInt32LE(size, SIZE_AT)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, CRC_AT)), CRC_AT)
  return bytes
}

/** What the file begins with: its header, undefined for one that waits for its first use, or in words why there is none. */
export function decodeHeader(bytes: Buffer): FileHeader | undefined | string {
  if (bytes.length < HEADER_BYTES) return 'it is shorter than a header'
  if (bytes.every(byte => byte === 0)) return undefined
  if (!bytes.subarray(0, magic.length).equals(magic)) return 'it is no file of a black box'
  // First of all: a wrong byte in the version is damage, and no later version.
  if (crc32(bytes.subarray(0, CRC_AT)) !== bytes.readUInt32LE(CRC_AT)) return 'its header is damaged'
  const version = bytes.readUInt16LE(VERSION_AT)
  const source = bytes.toString('latin1', SOURCE_AT, SOURCE_AT + SOURCE_BYTES).replace(/\0+$/, '')
  if (version <= VERSION && source !== 'platform' && source !== 'watcher')
    return `nothing is known of a source "${source}"`
  return {
    version,
    source: source as Source,
    marker: bytes.readUInt32LE(MARKER_AT),
    sequence: Number(bytes.readBigUInt64LE(SEQUENCE_AT)),
    size: bytes.readUInt32LE(SIZE_AT)
  }
}
