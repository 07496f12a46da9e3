import { crc32 } from 'node:zlib'

/**
 * A record in a segment, little-endian: marker (8 bytes), CRC32 of what follows (4), length (4), sequence (8),
 * appendedAt (8), payload. The marker is random and the segment's own, so that a search for the next record after a bad
 * place cannot be led astray by a payload that looks like one, such as a segment of another spool.
 */
export const FRAME_BYTES = 32
export const MARKER_BYTES = 8
const CRC_AT = MARKER_BYTES
const LENGTH_AT = 12
const SEQUENCE_AT = 16
const APPENDED_AT = 24

export interface Frame {
  sequence: number
  appendedAt: number
  payload: Buffer
}

/** Writes the frame at `at` of `target`, and says where the next one goes. */
export function encodeFrame(target: Buffer, at: number, marker: Buffer, record: Uint8Array, frame: FrameHead): number {
  marker.copy(target, at)
  target.writeUInt32LE(record.length, at + LENGTH_AT)
  target.writeBigUInt64LE(BigInt(frame.sequence), at + SEQUENCE_AT)
  target.writeBigUInt64LE(BigInt(frame.appendedAt), at + APPENDED_AT)
  target.set(record, at + FRAME_BYTES)
  const end = at + FRAME_BYTES + record.length
  target.writeUInt32LE(crc32(target.subarray(at + LENGTH_AT, end)), at + CRC_AT)
  return end
}

type FrameHead = Pick<Frame, 'sequence' | 'appendedAt'>

/** The frame at `at`; `'bad'` when none is there; the bytes that it needs from `at` when `source` ends before it does. */
export function decodeFrame(source: Buffer, at: number, marker: Buffer): Frame | 'bad' | number {
  if (source.length - at < FRAME_BYTES) return FRAME_BYTES
  if (source.compare(marker, 0, MARKER_BYTES, at, at + MARKER_BYTES) !== 0) return 'bad'
  const bytes = FRAME_BYTES + source.readUInt32LE(at + LENGTH_AT)
  if (source.length - at < bytes) return bytes
  const end = at + bytes
  if (crc32(source.subarray(at + LENGTH_AT, end)) !== source.readUInt32LE(at + CRC_AT)) return 'bad'
  return {
    sequence: Number(source.readBigUInt64LE(at + SEQUENCE_AT)),
    appendedAt: Number(source.readBigUInt64LE(at + APPENDED_AT)),
    payload: source.subarray(at + FRAME_BYTES, end)
  }
}
