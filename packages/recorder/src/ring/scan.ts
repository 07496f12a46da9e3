import { HEADER_BYTES } from './file-header.ts'
import { type Frame, frameAt, isWhole } from './frame.ts'

/**
 * The frames of a file, in the order of writing. What is not whole is skipped: after a bad place the next marker is looked
 * for, and after the last good one there is none, for the rest is zeros or has the marker of an earlier life.
 */
export function* framesOf(bytes: Buffer, marker: number): Generator<Frame> {
  const sign = Buffer.alloc(4)
  sign.writeUInt32LE(marker)
  let offset = HEADER_BYTES
  while (offset !== -1) {
    const frame = frameAt(bytes, offset, marker)
    if (frame && isWhole(bytes, frame)) {
      yield frame
      offset = frame.end
    } else offset = bytes.indexOf(sign, offset + 1)
  }
}
