import { crc32 } from 'node:zlib'

/**
 * A record in a file, little-endian: the file's marker (4), CRC32 of what follows (4), length of the payload (2), kind (1),
 * zero (1), wall time in ms (8), time since the machine's start in ms (8), payload.
 */
export const FRAME_BYTES = 28
const CRC_AT = 4
const LENGTH_AT = 8
const KIND_AT = 10
const AT_AT = 12
const UP_AT = 20

/** `session`: a writer begins, and says its names; `names`: further ones. */
export const kinds = { session: 1, names: 2, sample: 3, occurrence: 4 } as const
type Kind = (typeof kinds)[keyof typeof kinds]
const mostKind = 4

/** Where a frame is in its file, and what stands in its head. */
export interface Frame {
  kind: Kind
  at: number
  up: number
  payloadAt: number
  end: number
}

/** Puts the head before a payload that is in its place already. Returns where the frame ends. */
export function sealFrame(
  target: Buffer,
  marker: number,
  { kind, at, up, length }: { kind: Kind; at: number; up: number; length: number }
): number {
  target.writeUInt32LE(marker, 0)
  target.writeUInt16LE(length, LENGTH_AT)
  target[KIND_AT] = kind
  target[KIND_AT + 1] = 0
  target.writeDoubleLE(at, AT_AT)
  target.writeDoubleLE(up, UP_AT)
  const end = FRAME_BYTES + length
  target.writeUInt32LE(crc32(target.subarray(LENGTH_AT, end)), CRC_AT)
  return end
}

/** The head at `offset`, or undefined where none of this marker can be. Whether it is whole says `isWhole`. */
export function frameAt(bytes: Buffer, offset: number, marker: number): Frame | undefined {
  if (offset + FRAME_BYTES > bytes.length || bytes.readUInt32LE(offset) !== marker) return undefined
  const kind = bytes[offset + KIND_AT]!
  const end = offset + FRAME_BYTES + bytes.readUInt16LE(offset + LENGTH_AT)
  if (kind < 1 || kind > mostKind || end > bytes.length) return undefined
  return {
    kind: kind as Kind,
    at: bytes.readDoubleLE(offset + AT_AT),
    up: bytes.readDoubleLE(offset + UP_AT),
    payloadAt: offset + FRAME_BYTES,
    end
  }
}

export function isWhole(bytes: Buffer, { payloadAt, end }: Frame): boolean {
  const offset = payloadAt - FRAME_BYTES
  return crc32(bytes.subarray(offset + LENGTH_AT, end)) === bytes.readUInt32LE(offset + CRC_AT)
}
