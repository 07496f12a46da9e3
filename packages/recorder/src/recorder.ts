import type { Occurrence, Source } from './record.ts'
import { machineClock, type RecorderClock } from './ring/clock.ts'
import { FRAME_BYTES, kinds, sealFrame } from './ring/frame.ts'
import { occurrencePayload } from './ring/occurrence.ts'
import { Tokens } from './ring/tokens.ts'
import { encodeValues, mostBytesOf } from './ring/values.ts'
import { RingWriter } from './ring/writer.ts'

export interface RecorderOptions {
  /** The folder of this writer alone, as `DIR/recorder/platform`. One process writes it at a time. */
  directory: string
  source: Source
  /** Bytes on the disk at most. Default 44,000,000 for the platform, 16,000,000 for the watcher: a day and more. */
  maxBytes?: number
  /** Files that share them: the oldest is used again. Default 25, an hour each. */
  files?: number
  clock?: RecorderClock
  /** Told of a write that failed, once until one works again. Recording goes on. */
  onError?(error: unknown): void
}

/** Writes a black box. None of its methods throws, and none waits: a platform must not fall over its own recorder. */
export interface Recorder {
  /** What was measured just now. Names beyond the first 500 of a file are left out. */
  sample(values: Readonly<Record<string, number>>): void
  /** Something that happened. Of each name 100 at once, and one in five seconds in the long run; the others are lost. */
  occurrence(name: string, what?: Pick<Occurrence, 'subject' | 'detail'>): void
  /** Records written and not written since it was opened. */
  readonly written: number
  readonly lost: number
  /** Bytes of the records written. */
  readonly bytes: number
  close(): void
}

const defaultBytes: Record<Source, number> = { platform: 44_000_000, watcher: 16_000_000 }
const mostNames = 500
const longestName = 100
/** Names of occurrences that are told apart. */
const mostKinds = 100
const mostSessionBytes = 200
const mostNamesBytes = mostNames * (longestName + 3) + mostBytesOf(mostNames) + 2 * FRAME_BYTES
/** The names are said again after so many samples: where they are damaged, ten minutes go with them and not the file. */
const repeatEvery = 600
/** Room for all names twice, and for samples of all of them. */
const leastFileBytes = 120_000

const roomFor = (names: readonly string[]) => Buffer.byteLength(JSON.stringify(names))

/**
 * Opens, or makes, the ring of one writer and goes on behind its last whole record. Each record is one write into the
 * space that the file had from its beginning: a process that is killed loses the record under way at most.
 * @throws RecorderDiskError when there is no place for a single file
 */
export function openRecorder(options: RecorderOptions): Recorder {
  const { directory, source, files = 25, maxBytes = defaultBytes[source] } = options
  if (!(Number.isInteger(files) && files >= 2 && files <= 100))
    throw new RangeError('files is a whole number, 2 to 100')
  const fileBytes = Math.floor(maxBytes / files)
  if (!(fileBytes >= leastFileBytes))
    throw new RangeError(`each file has ${leastFileBytes} bytes or more: raise maxBytes`)
  return new FlightRecorder(new RingWriter({ directory, source, files, fileBytes }), options)
}

class FlightRecorder implements Recorder {
  written = 0
  lost = 0
  bytes = 0
  readonly #ring: RingWriter
  readonly #clock: RecorderClock
  readonly #onError: (error: unknown) => void
  readonly #occurrences = new Map<string, Tokens>()
  readonly #buffer = Buffer.alloc(FRAME_BYTES + 65_535)
  readonly #values = new Float64Array(mostNames)
  /** The series of this file, and where each stands in a sample. */
  #names = new Map<string, number>()
  /** The file that has been told who writes. */
  #told = 0
  #samples = 0
  #failing = false
  #closed = false

  constructor(ring: RingWriter, { clock = machineClock, onError = () => undefined }: RecorderOptions) {
    this.#ring = ring
    this.#clock = clock
    this.#onError = onError
  }

  sample(values: Readonly<Record<string, number>>): void {
    this.#write(() => {
      const names = this.#unknown(values)
      // A new file knows none of the names, and has room for all of them.
      const begun = this.#begin(mostBytesOf(mostNames) + roomFor(names))
      this.#learn(begun ? this.#unknown(values) : names)
      // Near the end of a file it does not pay any more.
      if (++this.#samples % repeatEvery === 0 && this.#ring.left > mostNamesBytes)
        this.#json(kinds.names, { from: 0, names: [...this.#names.keys()] })
      const count = this.#names.size
      this.#values.fill(Number.NaN, 0, count)
      for (const name in values) {
        const place = this.#names.get(name)
        if (place !== undefined) this.#values[place] = values[name]!
      }
      this.#put(kinds.sample, encodeValues(this.#buffer, FRAME_BYTES, this.#values, count))
    })
  }

  occurrence(name: string, what: Pick<Occurrence, 'subject' | 'detail'> = {}): void {
    if (!this.#mayTell(name)) {
      this.lost++
      return
    }
    this.#write(() => {
      const payload = occurrencePayload(name, what)
      this.#begin(payload.length)
      payload.copy(this.#buffer, FRAME_BYTES)
      this.#put(kinds.occurrence, payload.length)
    })
  }

  /** One kind that comes in storms must not keep the others out, nor turn the ring round in an hour. */
  #mayTell(name: string): boolean {
    let tokens = this.#occurrences.get(name)
    if (!tokens) {
      if (this.#occurrences.size >= mostKinds) return false
      tokens = new Tokens({ most: 100, perSecond: 0.2 })
      this.#occurrences.set(name, tokens)
    }
    return tokens.take(this.#clock.upNow())
  }

  close(): void {
    this.#closed = true
    this.#ring.close()
  }

  #write(record: () => void): void {
    if (this.#closed) return
    try {
      record()
      this.written++
      this.#failing = false
    } catch (error) {
      this.lost++
      if (!this.#failing) this.#onError(error)
      this.#failing = true
    }
  }

  /** Room for the record; in a new file, or by a new writer, first is said who writes. True when no name is known. */
  #begin(bytes: number): boolean {
    this.#ring.makeRoom(bytes + 3 * FRAME_BYTES + mostSessionBytes)
    if (this.#told === this.#ring.sequence) return false
    this.#names.clear()
    this.#json(kinds.session, { boot: this.#clock.boot, pid: process.pid })
    this.#told = this.#ring.sequence
    return true
  }

  #unknown(values: Readonly<Record<string, number>>): string[] {
    const names: string[] = []
    for (const name in values) {
      if (this.#names.has(name) || name.length > longestName) continue
      if (this.#names.size + names.length >= mostNames) break
      names.push(name)
    }
    return names
  }

  #learn(names: readonly string[]): void {
    if (names.length === 0) return
    const from = this.#names.size
    this.#json(kinds.names, { from, names })
    for (const [index, name] of names.entries()) this.#names.set(name, from + index)
  }

  #json(kind: (typeof kinds)['session' | 'names'], content: object): void {
    this.#put(kind, this.#buffer.write(JSON.stringify(content), FRAME_BYTES))
  }

  #put(kind: (typeof kinds)[keyof typeof kinds], length: number): void {
    const stamp = { kind, at: this.#clock.wallNow(), up: this.#clock.upNow(), length }
    const end = sealFrame(this.#buffer, this.#ring.marker, stamp)
    this.#ring.append(this.#buffer.subarray(0, end))
    this.bytes += end
  }
}
