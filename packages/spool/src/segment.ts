import type { SpoolFiles } from './files.ts'
import { type Found, type Gap, scanFrames } from './frame-scan.ts'
import { HEADER_BYTES } from './segment-header.ts'

/** A place between two records: everything up to `sequence` stands before `offset`. */
export interface Position {
  sequence: number
  offset: number
}

/** What is known in memory of a segment: the same few fields, whatever it holds. */
export interface Segment {
  /** The number in its name. No record in it has a lower one. */
  first: number
  path: string
  marker: Buffer
  /** Bytes that were acknowledged. What stands behind them is not read. */
  length: number
  /** Highest number in it; `first - 1` while it is empty. */
  last: number
  /** How many of its records are not released. */
  unreleased: number
  /** The first of them. */
  oldest: { sequence: number; appendedAt: number } | undefined
  /** Behind what was released of it. */
  released: Position
  /** Behind what was read last, where a drain goes on. */
  readUpTo: Position
  /** Its file was deleted. */
  gone: boolean
}

export function emptySegment(first: number, path: string, marker: Buffer): Segment {
  const start = { sequence: first - 1, offset: HEADER_BYTES }
  return {
    first,
    path,
    marker,
    length: HEADER_BYTES,
    last: first - 1,
    unreleased: 0,
    oldest: undefined,
    released: start,
    readUpTo: start,
    gone: false
  }
}

/** What a segment holds after a number, from the nearest place that is known. */
export async function* framesAfter(
  files: SpoolFiles,
  segment: Segment,
  after: number
): AsyncGenerator<(Found | Gap)[]> {
  const { released, readUpTo, first, length, marker } = segment
  const known = [released, readUpTo].filter(({ sequence }) => sequence <= after)
  const start = known.reduce((a, b) => (a.offset > b.offset ? a : b), { sequence: first - 1, offset: HEADER_BYTES })
  const file = await files.open(segment.path, 'r')
  try {
    yield* scanFrames(file, marker, { from: start.offset, to: length, after: start.sequence })
  } finally {
    await file.close()
  }
}

/** What a segment becomes when everything up to `sequence`, which is below its last, is released. Changes nothing yet. */
export async function releasedWithin(files: SpoolFiles, segment: Segment, sequence: number) {
  let { released } = segment
  let count = 0
  const from = { ...segment, readUpTo: released }
  for await (const found of framesAfter(files, from, released.sequence)) {
    for (const item of found) {
      if (!('sequence' in item)) continue
      if (item.sequence > sequence) {
        const oldest = { sequence: item.sequence, appendedAt: item.appendedAt }
        return { unreleased: segment.unreleased - count, oldest, released: { ...released, sequence } }
      }
      count++
      released = { sequence: item.sequence, offset: item.end }
    }
  }
  return { unreleased: 0, oldest: undefined, released: { sequence, offset: segment.length } }
}
