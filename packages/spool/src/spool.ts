import { mkdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { type Append, AppendQueue, encodeBatch } from './append-queue.ts'
import { lockDirectory } from './directory-lock.ts'
import {
  SpoolBusyError,
  SpoolClosedError,
  SpoolFullError,
  SpoolReadError,
  SpoolRecordTooLargeError,
  SpoolWriteError
} from './errors.ts'
import { machineFiles, type SpoolFiles, syncDirectory } from './files.ts'
import { FRAME_BYTES } from './frame.ts'
import { type ReadOptions, readRecords, type SpooledRecord } from './read-records.ts'
import { recover } from './recovery.ts'
import { releasedWithin, type Segment } from './segment.ts'
import { HEADER_BYTES } from './segment-header.ts'
import { roomIn, SegmentWriter } from './segment-writer.ts'
import { type Settings, type SpoolOptions, settingsOf } from './settings.ts'

export interface SpoolState {
  /** How many records are not released. */
  records: number
  /** Bytes of the segments that hold them: what counts against `maxBytes`. */
  bytes: number
  /** When the first of them was appended, in milliseconds since 1970. */
  oldestAppendedAt: number | null
  /** Number of the first of them, and of the last. */
  first: number | null
  last: number | null
}

/**
 * Opens a spool, and what an earlier process left in it. A segment that is damaged does not stop it: see `onError`.
 *
 * @throws SpoolLockedError when another has it open; RangeError or TypeError for bad settings; the system's error when
 * the directory cannot be made or listed
 */
export function openSpool(options: SpoolOptions): Promise<Spool> {
  return openSpoolOn(machineFiles, options)
}

/** On another file system than the machine's: for tests of its failures. */
export async function openSpoolOn(files: SpoolFiles, options: SpoolOptions): Promise<Spool> {
  const settings = settingsOf(options)
  await makeDirectory(files, settings.directory)
  const unlock = lockDirectory(settings.directory)
  try {
    const { segments, next } = await recover(files, settings.directory, settings.onError)
    return new Spool(files, settings, segments, Math.max(next, settings.after + 1), unlock)
  } catch (error) {
    unlock()
    throw error
  }
}

/** Durably: of a directory whose name is lost, everything is. */
async function makeDirectory(files: SpoolFiles, directory: string): Promise<void> {
  const made = await mkdir(directory, { recursive: true, mode: 0o700 })
  if (made === undefined) return
  const above = dirname(resolve(made))
  for (let path = resolve(directory); path.length > above.length; path = dirname(path)) {
    await syncDirectory(files, dirname(path))
  }
}

/** A bounded, durable first-in first-out queue of records in files. Made by `openSpool`. */
export class Spool {
  readonly #files: SpoolFiles
  readonly #settings: Settings
  readonly #writer: SegmentWriter
  readonly #unlock: () => void
  #segments: Segment[]
  #next: number
  #released = 0
  readonly #queue = new AppendQueue()
  #flushing: Promise<void> | undefined
  #turn: Promise<unknown> = Promise.resolve()
  #closing: Promise<void> | undefined

  constructor(files: SpoolFiles, settings: Settings, segments: Segment[], next: number, unlock: () => void) {
    this.#files = files
    this.#settings = settings
    this.#segments = segments
    this.#next = next
    this.#unlock = unlock
    this.#writer = new SegmentWriter(files, settings.directory)
  }

  get state(): SpoolState {
    const held = this.#segments.filter(({ unreleased }) => unreleased > 0)
    return {
      records: held.reduce((sum, { unreleased }) => sum + unreleased, 0),
      bytes: held.reduce((sum, { length }) => sum + length, 0),
      oldestAppendedAt: held[0]?.oldest?.appendedAt ?? null,
      first: held[0]?.oldest?.sequence ?? null,
      last: held.at(-1)?.last ?? null
    }
  }

  /**
   * Resolves with the record's number when it is on the disk. Numbers only ever go up, also over restarts; some are never
   * given. What is appended meanwhile shares the next write and sync, as in a database's group commit. The record must
   * not be changed before it settles.
   *
   * @throws SpoolFullError, SpoolRecordTooLargeError, SpoolBusyError, SpoolClosedError: nothing was written
   * @throws SpoolWriteError: it is not kept, and the next append may succeed
   */
  append(record: Uint8Array): Promise<number> {
    const refusal = this.#refusalOf(record.length)
    if (refusal) return Promise.reject(refusal)
    return new Promise((resolve, reject) => {
      this.#queue.add({ record, appendedAt: Math.max(0, Math.round(this.#settings.clock.now())), resolve, reject })
      this.#flushing ??= this.#flush()
    })
  }

  /**
   * Records that are not released, with a number above `after`, in their order. They stay. At least one is returned when
   * there is one, whatever `limitBytes` (of records, default 1,000,000) says. `limitRecords` is 1,000 by default.
   *
   * @throws SpoolReadError, SpoolClosedError, RangeError
   */
  async read(options: ReadOptions): Promise<SpooledRecord[]> {
    if (this.#closing) throw new SpoolClosedError()
    const after = Math.max(options.after, this.#released)
    return readRecords(this.#files, this.#segments, { ...options, after }, this.#settings.onError)
  }

  /**
   * Lets everything up to and including this number go, and resolves when the segments that are wholly released are
   * deleted. After a restart the released records of one segment at most are there again.
   *
   * @throws SpoolWriteError when a segment could not be deleted: it is released all the same, and the next release tries
   * again; SpoolReadError, SpoolClosedError, TypeError: nothing was released
   */
  release(sequence: number): Promise<void> {
    if (this.#closing) return Promise.reject(new SpoolClosedError())
    if (!Number.isSafeInteger(sequence)) return Promise.reject(new TypeError(`${sequence} is no record's number`))
    return this.#exclusive(() => this.#release(sequence))
  }

  /** Takes no more, waits for what was taken, and gives the directory back. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      await this.#flushing
      await this.#exclusive(() => this.#writer.leave())
      this.#unlock()
    })()
    return this.#closing
  }

  #refusalOf(length: number): Error | undefined {
    const { maxBytes, maxRecordBytes, maxPendingBytes } = this.#settings
    if (this.#closing) return new SpoolClosedError()
    if (length > maxRecordBytes) return new SpoolRecordTooLargeError(length, maxRecordBytes)
    const bytes = FRAME_BYTES + length
    const pending = this.#queue.bytes
    const held = this.state.bytes + pending
    // Room for the headers of the segments that what is pending may begin.
    const headers = HEADER_BYTES * (2 + Math.ceil(pending / this.#settings.segmentBytes))
    if (held + bytes + headers > maxBytes) return new SpoolFullError(held, length, maxBytes)
    if (pending > 0 && pending + bytes > maxPendingBytes) return new SpoolBusyError(pending, maxPendingBytes)
    return undefined
  }

  /** One turn of the event loop first, so that everything the sockets had ready shares the first write. */
  async #flush(): Promise<void> {
    await new Promise(resolve => setImmediate(resolve))
    for (let bytes = this.#queue.nextBytes; bytes !== undefined; bytes = this.#queue.nextBytes) {
      const needed = bytes
      await this.#exclusive(() => this.#writeBatch(needed))
    }
    this.#flushing = undefined
  }

  /** Writes what fits beside the first that waits, which needs so many bytes. */
  async #writeBatch(needed: number): Promise<void> {
    const { segmentBytes } = this.#settings
    let batch: Append[] = []
    let segment: Segment | undefined
    try {
      segment = await this.#segmentFor(needed)
      batch = this.#queue.take(Math.min(segmentBytes, roomIn(segment, segmentBytes)))
      const first = this.#next
      this.#next += batch.length
      await this.#writer.append(encodeBatch(batch, segment.marker, first))
      segment.oldest ??= { sequence: first, appendedAt: batch[0]!.appendedAt }
      segment.unreleased += batch.length
      segment.last = this.#next - 1
      for (const [index, { resolve }] of batch.entries()) resolve(first + index)
    } catch (error) {
      if (batch.length === 0) batch = this.#queue.take(segmentBytes)
      // Cut back, so the next write goes to the same place; otherwise these numbers may be on the disk, and are left out.
      else if (this.#writer.segment === segment) this.#next -= batch.length
      const failure = new SpoolWriteError('An append', error)
      for (const { reject } of batch) reject(failure)
    } finally {
      this.#queue.settled(batch)
    }
  }

  async #segmentFor(bytes: number): Promise<Segment> {
    const segment = this.#writer.segment
    const isUsed = segment && segment.length > HEADER_BYTES && segment.unreleased === 0
    if (segment && !isUsed && roomIn(segment, this.#settings.segmentBytes) >= bytes) return segment
    return this.#beginSegment()
  }

  async #beginSegment(): Promise<Segment> {
    const previous = this.#segments.findLast(({ unreleased }) => unreleased > 0)
    // The name is used up also when this fails.
    const segment = await this.#writer.begin(this.#next++, previous)
    this.#next = segment.first
    this.#segments.push(segment)
    return segment
  }

  async #release(sequence: number): Promise<void> {
    const target = Math.min(sequence, this.state.last ?? 0)
    const cut = this.#segments.find(({ oldest, last }) => oldest && oldest.sequence <= target && last > target)
    const change = cut && (await releasedWithin(this.#files, cut, target).catch(readFailure(cut)))
    if (cut) Object.assign(cut, change)
    for (const segment of this.#segments) {
      if (segment.last > target) break
      segment.unreleased = 0
      segment.oldest = undefined
      segment.released = { sequence: segment.last, offset: segment.length }
    }
    this.#released = Math.max(this.#released, target)
    await this.#deleteReleased()
    const newest = this.#segments.at(-1)
    if (newest && newest.unreleased === 0 && newest.length > HEADER_BYTES) await this.#replaceNewest()
  }

  /** The newest segment keeps the numbers, so it may go only when a newer one does. */
  async #replaceNewest(): Promise<void> {
    try {
      await this.#beginSegment()
    } catch (error) {
      // A full disk, say. The next append or release tries again.
      this.#settings.onError(new SpoolWriteError('Freeing the last segment', error))
      return
    }
    await this.#deleteReleased()
  }

  async #deleteReleased(): Promise<void> {
    const newest = this.#segments.at(-1)
    const deletable = this.#segments.filter(segment => segment.unreleased === 0 && segment !== newest)
    if (deletable.length === 0) return
    try {
      for (const segment of deletable) {
        await this.#files.unlink(segment.path).catch(ifPresent)
        segment.gone = true
      }
      await syncDirectory(this.#files, this.#settings.directory)
    } catch (error) {
      throw new SpoolWriteError('Deleting a released segment', error)
    } finally {
      this.#segments = this.#segments.filter(({ gone }) => !gone)
    }
  }

  /** Writes and releases take turns; reads do not wait for them. */
  #exclusive<T>(fn: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(fn)
    this.#turn = turn.catch(() => undefined)
    return turn
  }
}

function readFailure(segment: Segment): (error: unknown) => never {
  return error => {
    throw new SpoolReadError(segment.path, error)
  }
}

function ifPresent(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}
