import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { type SpoolFile, type SpoolFiles, syncDirectory, writeFully } from './files.ts'
import { MARKER_BYTES } from './frame.ts'
import { emptySegment, type Segment } from './segment.ts'
import { encodeHeader, HEADER_BYTES, type SegmentHeader, segmentName } from './segment-header.ts'

/** A new segment's file with its header, still open. Neither is durable before the file and its directory are synced. */
export async function createSegmentFile(
  files: SpoolFiles,
  path: string,
  header: Omit<SegmentHeader, 'marker'>
): Promise<{ file: SpoolFile; marker: Buffer }> {
  const marker = randomBytes(MARKER_BYTES)
  const file = await files.open(path, 'wx', 0o600)
  try {
    await writeFully(file, encodeHeader({ ...header, marker }), 0)
  } catch (error) {
    await file.close().catch(() => undefined)
    await files.unlink(path).catch(() => undefined)
    throw error
  }
  return { file, marker }
}

/**
 * The one segment that is appended to. A segment is left for good when a new one is begun, when its sync failed, or when
 * it could not be cut back. After a failed fsync the kernel may hold the pages for clean, so that the next one succeeds
 * without having written them: "PostgreSQL's fsync() surprise", LWN 752063, 2018.
 */
export class SegmentWriter {
  readonly #files: SpoolFiles
  readonly #directory: string
  #file: SpoolFile | undefined
  #segment: Segment | undefined

  constructor(files: SpoolFiles, directory: string) {
    this.#files = files
    this.#directory = directory
  }

  /** `undefined` when the next append needs a new one. */
  get segment(): Segment | undefined {
    return this.#segment
  }

  /** Begins a durable new segment that says where the acknowledged part of `previous` ends. */
  async begin(first: number, previous: Segment | undefined): Promise<Segment> {
    // Left first: the new header may get to the disk also when this fails, so the length it tells must stay as it is.
    await this.leave()
    const path = join(this.#directory, segmentName(first))
    const { file, marker } = await createSegmentFile(this.#files, path, {
      floor: first,
      previousFirst: previous?.first ?? 0,
      previousLength: previous?.length ?? 0,
      repaired: false
    })
    try {
      await file.datasync()
      await syncDirectory(this.#files, this.#directory)
    } catch (error) {
      await file.close().catch(() => undefined)
      await this.#files.unlink(path).catch(() => undefined)
      throw error
    }
    this.#file = file
    this.#segment = emptySegment(first, path, marker)
    return this.#segment
  }

  /** Resolves when the bytes are on the disk; otherwise none of them will be read, and what was there before still is. */
  async append(bytes: Buffer): Promise<void> {
    const file = this.#file!
    const segment = this.#segment!
    try {
      await writeFully(file, bytes, segment.length)
    } catch (error) {
      if (!(await this.#cut())) await this.leave()
      throw error
    }
    try {
      await file.datasync()
    } catch (error) {
      await this.#cut()
      await this.leave()
      throw error
    }
    segment.length += bytes.length
  }

  async leave(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    this.#segment = undefined
    await file?.close().catch(() => undefined)
  }

  async #cut(): Promise<boolean> {
    try {
      await this.#file!.truncate(this.#segment!.length)
      return true
    } catch {
      return false
    }
  }
}

export function roomIn(segment: Segment, segmentBytes: number): number {
  // One record always fits into an empty segment.
  return segment.length === HEADER_BYTES ? Number.POSITIVE_INFINITY : segmentBytes - segment.length
}
