import { SpoolCorruptError, SpoolReadError } from './errors.ts'
import type { SpoolFiles } from './files.ts'
import { framesAfter, type Segment } from './segment.ts'

export interface ReadOptions {
  /** Only records with a higher number. */
  after: number
  /** Records at most. Default 1,000. */
  limitRecords?: number
  /** Bytes of records at most, but for the first. Default 1,000,000. */
  limitBytes?: number
}

export interface SpooledRecord {
  sequence: number
  record: Buffer
  /** Milliseconds since 1970. */
  appendedAt: number
}

/** Reads on from segment to segment. What cannot be read is told and passed over; a disk that refuses is an error. */
export async function readRecords(
  files: SpoolFiles,
  segments: readonly Segment[],
  { after, limitRecords = 1_000, limitBytes = 1_000_000 }: ReadOptions,
  onError: (error: Error) => void
): Promise<SpooledRecord[]> {
  if (!(limitRecords >= 1 && limitBytes >= 0)) throw new RangeError('limitRecords is 1 at least, limitBytes 0')
  if (Number.isNaN(after)) throw new RangeError('after is a number')
  const records: SpooledRecord[] = []
  let bytes = 0
  for (const segment of [...segments]) {
    if (segment.last <= after || segment.unreleased === 0) continue
    try {
      for await (const found of framesAfter(files, segment, after)) {
        for (const item of found) {
          if (!('sequence' in item)) {
            onError(corruptionAt(segment, item))
            continue
          }
          if (item.sequence <= after) continue
          if (records.length >= limitRecords) return records
          bytes += item.payload.length
          if (records.length > 0 && bytes > limitBytes) return records
          records.push({ sequence: item.sequence, record: Buffer.from(item.payload), appendedAt: item.appendedAt })
          segment.readUpTo = { sequence: item.sequence, offset: item.end }
        }
      }
    } catch (error) {
      // Released and deleted since this read began: nobody waits for its records.
      if (segment.unreleased === 0) continue
      throw new SpoolReadError(segment.path, error)
    }
  }
  return records
}

function corruptionAt({ path, unreleased }: Segment, { from, to }: { from: number; to: number }): SpoolCorruptError {
  return new SpoolCorruptError({ path, badBytes: to - from, places: [{ from, to }], kept: unreleased, missing: 0 })
}
