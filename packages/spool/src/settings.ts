import { FRAME_BYTES } from './frame.ts'
import { HEADER_BYTES } from './segment-header.ts'

export interface SpoolOptions {
  /** Where the segments are. Made with mode 0700 when it is missing. One process at a time. */
  directory: string
  /** Bytes of all segments that are not wholly released, at most; from 4,096. What was quarantined is not counted. */
  maxBytes: number
  /** Bytes after which a new segment begins. Default 8,000,000, or an eighth of `maxBytes` where that is less. */
  segmentBytes?: number
  /** Longest record, in bytes. Default 8,000,000, or what `maxBytes` has room for. */
  maxRecordBytes?: number
  /** Bytes of records that may wait in memory for the disk. Default 64,000,000. One record may always wait. */
  maxPendingBytes?: number
  /** The last number that the consumer has applied. No number up to it is given, even by an emptied directory. Default 0. */
  after?: number
  /** Tells `appendedAt`, in milliseconds since 1970. Default: the machine's. */
  clock?: { now(): number }
  /** Told what no caller can be told: corruption, and space that could not be freed. Default: a process warning. */
  onError?: (error: Error) => void
}

export type Settings = Required<SpoolOptions>

/** @throws RangeError or TypeError for what makes no sense */
export function settingsOf(options: SpoolOptions): Settings {
  if (typeof options.directory !== 'string' || options.directory === '') throw new TypeError('directory is missing')
  const maxBytes = range('maxBytes', options.maxBytes, 4_096, Number.MAX_SAFE_INTEGER)
  const longest = Math.min(maxBytes - 2 * HEADER_BYTES - FRAME_BYTES, 512_000_000)
  const anEighth = Math.max(1_024, Math.floor(maxBytes / 8))
  return {
    directory: options.directory,
    maxBytes,
    segmentBytes: range('segmentBytes', options.segmentBytes ?? Math.min(8_000_000, anEighth), 256, 1_000_000_000),
    maxRecordBytes: range('maxRecordBytes', options.maxRecordBytes ?? Math.min(8_000_000, longest), 0, longest),
    maxPendingBytes: range('maxPendingBytes', options.maxPendingBytes ?? 64_000_000, 1, 2_000_000_000),
    after: range('after', options.after ?? 0, 0, Number.MAX_SAFE_INTEGER - 1),
    clock: options.clock ?? Date,
    onError: options.onError ?? (error => process.emitWarning(error))
  }
}

function range(name: string, value: number, least: number, most: number): number {
  if (!(Number.isSafeInteger(value) && value >= least && value <= most)) {
    throw new RangeError(`${name} is an integer from ${least} to ${most}, not ${value}`)
  }
  return value
}
