import { randomBytes } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readFileSync, statSync, writeSync } from 'node:fs'
import { RecorderDiskError } from '../errors.ts'
import type { Source } from '../record.ts'
import { encodeHeader, type FileHeader, HEADER_BYTES } from './file-header.ts'
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
  #fd: number
  #slot: number
  #sequence: number
  #at: number
  #marker: number

  /** Goes on where the last writer stopped. @throws RecorderDiskError, RecorderVersionError */
  constructor(options: RingOptions) {
    this.#options = options
    const { directory, fileBytes } = options
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 })
    } catch (error) {
      throw new RecorderDiskError(directory, error)
    }
    const last = newest(ringFiles(directory))
    if (last && statSync(last.path).size === fileBytes && last.header.size === fileBytes) {
      this.#slot = last.slot
      this.#sequence = last.header.sequence
      this.#marker = last.header.marker
      this.#fd = openSync(last.path, 'r+')
      this.#at = endOf(readFileSync(last.path), last.header)
    } else {
      this.#slot = last?.slot ?? -1
      this.#sequence = last?.header.sequence ?? 0
      this.#marker = this.#at = 0
      this.#fd = -1
      this.#begin()
    }
    this.#prepareNext()
  }

  /** Which file it is: a new one knows no names. */
  get sequence(): number {
    return this.#sequence
  }

  get marker(): number {
    return this.#marker
  }

  /** Makes room for so many bytes, in a new file if need be. */
  makeRoom(bytes: number): void {
    if (this.#at + bytes <= this.#options.fileBytes) return
    this.#begin()
    this.#prepareNext()
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

  /** The next file in turn; where it cannot be made, the oldest of those that are. */
  #begin(): void {
    const { directory, source, fileBytes } = this.#options
    const slot = this.#nextSlot()
    const fd = openSync(pathOf(directory, slot), 'r+')
    const marker = randomBytes(4).readUInt32LE() || 1
    const header = encodeHeader({ source, marker, sequence: this.#sequence + 1, size: fileBytes })
    try {
      writeSync(fd, header, 0, HEADER_BYTES, 0)
    } catch (error) {
      closeSync(fd)
      throw error
    }
    this.close()
    this.#fd = fd
    this.#slot = slot
    this.#sequence++
    this.#marker = marker
    this.#at = HEADER_BYTES
  }

  #nextSlot(): number {
    const { directory, files, fileBytes } = this.#options
    const inTurn = (this.#slot + 1) % files
    if (allocate(directory, inTurn, fileBytes)) return inTurn
    const usable = ringFiles(directory).filter(({ path }) => statSync(path).size === fileBytes)
    const oldest = usable.toSorted((a, b) => sequenceOf(a) - sequenceOf(b))[0]
    if (!oldest) throw new RecorderDiskError(directory, new Error('there is no space for a file of it'))
    return oldest.slot
  }

  /** An hour before it is needed, when the disk may be full. */
  #prepareNext(): void {
    const { directory, files, fileBytes } = this.#options
    allocate(directory, (this.#slot + 1) % files, fileBytes)
  }
}

type Found = RingFile & { header: FileHeader }

const sequenceOf = ({ header }: RingFile) => (typeof header === 'object' ? header.sequence : 0)

function newest(files: readonly RingFile[]): Found | undefined {
  return files
    .filter((file): file is Found => typeof file.header === 'object')
    .toSorted((a, b) => b.header.sequence - a.header.sequence)[0]
}

function endOf(bytes: Buffer, { marker }: FileHeader): number {
  let end = HEADER_BYTES
  for (const frame of framesOf(bytes, marker)) end = frame.end
  return end
}
