import { readFully, type SpoolFile } from './files.ts'
import { decodeFrame, FRAME_BYTES, type Frame, MARKER_BYTES } from './frame.ts'

/** Bytes where no record can be read. */
export interface Gap {
  from: number
  to: number
}

/** A frame, and the offset behind it. */
export interface Found extends Frame {
  end: number
}

const WINDOW_BYTES = 256 * 1024

/**
 * The records of a segment from an offset that begins one, up to `to`, a window at a time. What is no record is given as
 * a gap, and the search goes on behind it at the next marker with a good checksum and a higher number than the last.
 * Memory: one window, or the longest record.
 */
export async function* scanFrames(
  file: SpoolFile,
  marker: Buffer,
  range: { from: number; to: number; after: number }
): AsyncGenerator<(Found | Gap)[]> {
  let { from: at, to, after } = range
  let badFrom = -1
  let want = WINDOW_BYTES
  while (at < to) {
    const asked = Math.min(want, to - at)
    const window = await readFully(file, at, asked)
    const found: (Found | Gap)[] = []
    if (window.length < asked) {
      found.push({ from: at + window.length, to })
      to = at + window.length
    }
    want = WINDOW_BYTES
    let position = 0
    while (position < window.length) {
      const frame = decodeFrame(window, position, marker)
      if (typeof frame === 'number' && at + position + frame <= to) {
        want = Math.max(WINDOW_BYTES, frame)
        break
      }
      if (typeof frame === 'object' && frame.sequence > after && Number.isSafeInteger(frame.sequence)) {
        if (badFrom >= 0) found.push({ from: badFrom, to: at + position })
        badFrom = -1
        position += FRAME_BYTES + frame.payload.length
        after = frame.sequence
        found.push({ ...frame, end: at + position })
        continue
      }
      if (badFrom < 0) badFrom = at + position
      position = placeOfNext(window, position, marker, at + window.length === to)
    }
    at += position
    if (found.length > 0) yield found
  }
  if (badFrom >= 0) yield [{ from: badFrom, to }]
}

/** Where to look after a bad place: at the next marker, or where one may begin that the window does not hold whole. */
function placeOfNext(window: Buffer, position: number, marker: Buffer, isEnd: boolean): number {
  const next = window.indexOf(marker, position + 1)
  if (next >= 0) return next
  return isEnd ? window.length : Math.max(position + 1, window.length - MARKER_BYTES + 1)
}
