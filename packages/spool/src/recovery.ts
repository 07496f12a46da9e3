import { join } from 'node:path'
import { type Corruption, SpoolCorruptError, SpoolReadError, SpoolWriteError } from './errors.ts'
import { readFully, type SpoolFile, type SpoolFiles } from './files.ts'
import { FRAME_BYTES, MARKER_BYTES } from './frame.ts'
import { type Gap, scanFrames } from './frame-scan.ts'
import { quarantine } from './quarantine.ts'
import { emptySegment, type Segment } from './segment.ts'
import { decodeHeader, firstOfName, HEADER_BYTES, type SegmentHeader, segmentName } from './segment-header.ts'

interface Peeked {
  first: number
  path: string
  size: number
  header: SegmentHeader | undefined
  marker: Buffer
}

export interface Recovered {
  /** In order. Empty ones are among them, for they hold the numbers until a later one is durable. */
  segments: Segment[]
  /** The lowest number that can never have been given. */
  next: number
}

/**
 * Reads what a directory holds. The unsealed end of the last segment may be torn: that was never acknowledged. Anything
 * else that cannot be read is corruption: it is told, the segment is put aside, and its readable records stay.
 */
export async function recover(
  files: SpoolFiles,
  directory: string,
  onError: (error: Error) => void
): Promise<Recovered> {
  const names = (await files.readdir(directory)).toSorted()
  for (const name of names.filter(name => name.endsWith('.repair'))) await files.unlink(join(directory, name))
  const peeked: Peeked[] = []
  for (const name of names) {
    const first = firstOfName(name)
    if (first === undefined) continue
    try {
      peeked.push(await peek(files, first, join(directory, name)))
    } catch (error) {
      // It stays where it is, and its number is below those that are given from now on.
      onError(new SpoolReadError(join(directory, name), error))
      peeked.push({ first, path: '', size: 0, header: undefined, marker: Buffer.alloc(MARKER_BYTES) })
    }
  }
  const sealed = new Map(peeked.map(({ header }) => [header?.previousFirst, header?.previousLength ?? 0]))
  const lastWithBytes = peeked.findLastIndex(({ size }) => size > HEADER_BYTES)
  const segments: Segment[] = []
  let next = 1
  for (const [index, one] of peeked.entries()) {
    next = Math.max(next, one.first + 1, one.header?.floor ?? 0)
    if (one.path === '') continue
    tellMissing(one, peeked[index - 1], names, directory, onError)
    const seal = one.header?.repaired ? undefined : sealed.get(one.first)
    try {
      const read = await readSegment(files, one, seal, index >= lastWithBytes, onError)
      next = Math.max(next, read.segment.last + 1 + read.mayHaveBeenGiven)
      if (read.corruption) await setAside(files, directory, read, next, onError)
      segments.push(read.segment)
    } catch (error) {
      onError(new SpoolReadError(one.path, error))
    }
  }
  return { segments, next }
}

async function peek(files: SpoolFiles, first: number, path: string): Promise<Peeked> {
  const file = await files.open(path, 'r')
  try {
    const { size } = await file.stat()
    const bytes = await readFully(file, 0, HEADER_BYTES + MARKER_BYTES)
    const header = decodeHeader(bytes)
    // Without a header the first frame tells the marker of all.
    const marker = header?.marker ?? Buffer.concat([bytes.subarray(HEADER_BYTES), Buffer.alloc(MARKER_BYTES)], 8)
    return { first, path, size, header, marker }
  } finally {
    await file.close()
  }
}

interface Read {
  segment: Segment
  /** Numbers behind the last readable one that somebody may have been given, when the end is not readable. */
  mayHaveBeenGiven: number
  corruption: Corruption | undefined
}

async function readSegment(
  files: SpoolFiles,
  one: Peeked,
  seal: number | undefined,
  mayBeTorn: boolean,
  onError: (error: Error) => void
): Promise<Read> {
  const segment = emptySegment(one.first, one.path, one.marker)
  if (one.size <= HEADER_BYTES && seal === undefined) return { segment, mayHaveBeenGiven: 0, corruption: undefined }
  const length = seal ?? one.size
  const file = await files.open(one.path, 'r')
  try {
    // What another process wrote and did not sync may be in memory only; nobody may act on what a power cut can take.
    if (seal === undefined) await file.datasync().catch(error => onError(new SpoolWriteError('A sync', error)))
    const { gaps, kept, missing, end } = await collect(file, segment, length)
    const tornAt = seal === undefined && mayBeTorn ? gaps.findIndex(({ to }) => to === length) : -1
    if (tornAt >= 0) gaps.splice(tornAt, 1)
    if (!one.header) gaps.unshift({ from: 0, to: HEADER_BYTES })
    segment.length = tornAt >= 0 ? end : length
    const badBytes = gaps.reduce((sum, { from, to }) => sum + to - from, 0)
    const corruption = { path: one.path, badBytes, places: gaps.slice(0, 16), kept, missing }
    return {
      segment,
      mayHaveBeenGiven: Math.ceil((length - end) / FRAME_BYTES),
      corruption: badBytes > 0 ? corruption : undefined
    }
  } finally {
    await file.close()
  }
}

/** Fills in what the segment holds. */
async function collect(file: SpoolFile, segment: Segment, length: number) {
  const gaps: Gap[] = []
  let kept = 0
  let missing = 0
  let end = HEADER_BYTES
  const range = { from: HEADER_BYTES, to: length, after: segment.first - 1 }
  for await (const found of scanFrames(file, segment.marker, range)) {
    for (const item of found) {
      if (!('sequence' in item)) {
        gaps.push(item)
        continue
      }
      segment.oldest ??= { sequence: item.sequence, appendedAt: item.appendedAt }
      missing += item.sequence - segment.last - 1
      segment.last = item.sequence
      end = item.end
      kept++
    }
  }
  segment.unreleased = kept
  return { gaps, kept, missing, end }
}

async function setAside(
  files: SpoolFiles,
  directory: string,
  { segment, corruption }: Read,
  floor: number,
  onError: (error: Error) => void
): Promise<void> {
  try {
    const quarantined = await quarantine(files, directory, segment, floor)
    onError(new SpoolCorruptError({ ...corruption!, quarantined }))
  } catch {
    // A full disk, say: its records are read from where they are.
    onError(new SpoolCorruptError(corruption!))
  }
}

function tellMissing(
  one: Peeked,
  before: Peeked | undefined,
  names: string[],
  directory: string,
  onError: (error: Error) => void
): void {
  const previous = one.header?.previousFirst ?? 0
  // Segments go from the oldest on, so one that is gone between two others was not deleted by the spool.
  if (previous === 0 || before === undefined || before.first >= previous) return
  const name = segmentName(previous)
  if (names.some(other => other.startsWith(name))) return
  const path = join(directory, name)
  onError(new SpoolCorruptError({ path, badBytes: 0, places: [], kept: 0, missing: 0 }))
}
