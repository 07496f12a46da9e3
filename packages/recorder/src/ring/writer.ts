import { randomBytes } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readFileSync, statSync, writeSync } from 'node:fs'
import { RecorderDiskError } from '../errors.ts'
import type { Source } from '../record.ts'
import { encodeHeader, type FileHeader, HEADER_BYTES, VERSION } from './file-header.ts'
import { kinds } from './frame.ts'
import { framesOf } from './scan.ts'
import { allocate, pathOf, type RingFile, ringFiles } from './slots.ts'

export interface RingOptions {
  directory: string
  source: Source
  /** Files at most, from 2 to 100. */
  files: number
  /** Bytes of each. */
  fileBytes: number
}

/** A ring opened for writing: where the next record goes. Synchronous, so that what was written outlives the process. */
export class RingWriter {
  readonly #options: RingOptions
  #fd = -1
  #sequence = 0
  #at = 0
  #marker = 0

  /**
   * Goes on where the last writer stopped; beside one that still runs, and after one of a later version, in a file of its
   * own. Files of a later version are used again in their turn, as any other.
   * @throws RecorderDiskError
   */
  constructor(options: RingOptions) {
    this.#options = options
    const { directory, fileBytes } = options
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 })
    } catch (error) {
      throw new RecorderDiskError(directory, error)
    }
    const last = newest(ringFiles(directory))
    const tail = last && isOurs(last, fileBytes) ? tailOf(last) : undefined
    if (last && tail && !isAlive(tail.pid)) {
      this.#fd = openSync(last.path, 'r+')
      this.#sequence = last.header.sequence
      this.#marker = last.header.marker
      this.#at = tail.end
      this.#allocateAfter(last.slot)
    } else this.#begin()
  }

  /** Which file it is: a new one knows no names. */
  get sequence(): number {
    return this.#sequence
  }

  get marker(): number {
    return this.#marker
  }

  /** Bytes that this file can still take. */
  get left(): number {
    return this.#options.fileBytes - this.#at
  }

  /** Makes room for so many bytes, in a new file if need be. */
  makeRoom(bytes: number): void {
    if (this.#at + bytes > this.#options.fileBytes) this.#begin()
  }

  /** One write; what fails is the caller's to count. A record that was cut short is overwritten by the next one. */
  append(bytes: Buffer): void {
    const written = writeSync(this.#fd, bytes, 0, bytes.length, this.#at)
    if (written !== bytes.length) throw new Error(`the disk took ${written} of ${bytes.length} bytes`)
    this.#at += written
  }

  close(): void {
    if (this.#fd !== -1) closeSync(this.#fd)
    this.#fd = -1
  }

  /** The file after the newest in turn; where it cannot be made, the oldest of those that are. */
  #begin(): void {
    const { directory, source, files, fileBytes } = this.#options
    const known = ringFiles(directory)
    const last = newest(known)
    const inTurn = last === undefined ? 0 : (last.slot + 1) % files
    const slot = allocate(directory, inTurn, fileBytes) ? inTurn : this.#oldest(known)
    const sequence = (last?.header.sequence ?? 0) + 1
    const marker = randomBytes(4).readUInt32LE() || 1
    const fd = openSync(pathOf(directory, slot), 'r+')
    try {
      writeSync(fd, encodeHeader({ source, marker, sequence, size: fileBytes }), 0, HEADER_BYTES, 0)
    } catch (error) {
      closeSync(fd)
      throw error
    }
    this.close()
    this.#fd = fd
    this.#sequence = sequence
    this.#marker = marker
    this.#at = HEADER_BYTES
    this.#allocateAfter(slot)
  }

  #oldest(known: readonly RingFile[]): number {
    const { directory, fileBytes } = this.#options
    const usable = known.filter(({ path }) => statSync(path, { throwIfNoEntry: false })?.size === fileBytes)
    const oldest = usable.toSorted((a, b) => sequenceOf(a) - sequenceOf(b))[0]
    if (!oldest) throw new RecorderDiskError(directory, new Error('there is no space for a file of it'))
    return oldest.slot
  }

  /** The next file, an hour before it is needed, when the disk may be full. */
  #allocateAfter(slot: number): void {
    const { directory, files, fileBytes } = this.#options
    allocate(directory, (slot + 1) % files, fileBytes)
  }
}

type Found = RingFile & { header: FileHeader }

const sequenceOf = ({ header }: RingFile) => (typeof header === 'object' ? header.sequence : 0)

function newest(files: readonly RingFile[]): Found | undefined {
  return files
    .filter((file): file is Found => typeof file.header === 'object')
    .toSorted((a, b) => b.header.sequence - a.header.sequence)[0]
}

/** Whether more can be written into it as it is. */
const isOurs = ({ path, header }: Found, fileBytes: number) =>
  header.version <= VERSION && statSync(path).size === fileBytes

/** Where the last whole record of a file ends, and who wrote it. */
function tailOf({ path, header }: Found): { end: number; pid: number | undefined } {
  const bytes = readFileSync(path)
  let end = HEADER_BYTES
  let pid: number | undefined
  for (const frame of framesOf(bytes, header.marker)) {
    end = frame.end
    if (frame.kind === kinds.session)
      pid = (JSON.parse(bytes.toString('utf8', frame.payloadAt, frame.end)) as { pid?: number }).pid
  }
  return { end, pid }
}

function isAlive(pid: number | undefined): boolean {
  if (pid === undefined || pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
