import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { RecorderVersionError } from './errors.ts'
import type { BlackBoxRecord, Source } from './record.ts'
import { machineClock, type RecorderClock } from './ring/clock.ts'
import { type FileHeader, VERSION } from './ring/file-header.ts'
import { type Frame, kinds } from './ring/frame.ts'
import { readOccurrence } from './ring/occurrence.ts'
import { framesOf } from './ring/scan.ts'
import { type RingFile, ringFiles } from './ring/slots.ts'
import { startOf } from './ring/start.ts'
import { decodeValues } from './ring/values.ts'

export interface ReadOptions {
  /** The first moment that is read, in milliseconds since 1970. Default: the oldest that is kept. */
  from?: number
  /** The last. Default: none. */
  to?: number
  /** Says what time it is where the records are read. Default: the machine's. */
  clock?: RecorderClock
}

export interface Reading {
  /** Of all writers, by time; those of one writer in the order of writing. */
  records: BlackBoxRecord[]
  /** Files that could not be read, and why: damaged ones, and those of a later version. */
  skipped: { file: string; why: string }[]
  /** When anything was recorded last, whatever was asked for; undefined when nothing ever was. */
  lastAt: number | undefined
}

/**
 * Reads the rings in the folders of `directory`, also while they are written. It needs files and nothing else. Only files
 * that hold something of the time asked for are opened to the end, and the last one of each writer.
 *
 * A clock that jumped is put right: a record carries the time since the machine's start too, and what was written since
 * that start is told by the clock as it is now.
 * @throws RecorderVersionError where all that was recorded is of a later version
 */
export function readRecords(directory: string, options: ReadOptions = {}): Reading {
  const reading: Reading = { records: [], skipped: [], lastAt: undefined }
  const later: LaterFile[] = []
  if (!existsSync(directory)) return reading
  const folders = readdirSync(directory, { withFileTypes: true }).filter(entry => entry.isDirectory())
  for (const { name } of folders) {
    const records = readRing(join(directory, name), options, { reading, later })
    reading.records = merged(reading.records, records)
  }
  const [unknown] = later
  if (unknown && reading.lastAt === undefined) throw new RecorderVersionError(unknown.path, unknown.version, VERSION)
  return reading
}

interface Started extends RingFile {
  header: FileHeader
  /** When its first record was written, by the reader's clock. */
  from: number
}

interface LaterFile {
  path: string
  version: number
}

function readRing(
  directory: string,
  options: ReadOptions,
  { reading, later }: { reading: Reading; later: LaterFile[] }
): BlackBoxRecord[] {
  const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY, clock = machineClock } = options
  const shift = shiftTo(clock)
  const files: Started[] = []
  for (const { header, ...file } of ringFiles(directory)) {
    if (typeof header === 'object' && header.version > VERSION) {
      const { version } = header
      later.push({ path: file.path, version })
      const why = `it was written in version ${version} of the black box's form, and this Plimsoll knows up to ${VERSION}`
      reading.skipped.push({ file: file.path, why })
      continue
    }
    // One that waits for its first use has nothing to say.
    if (header === undefined) continue
    const start = typeof header === 'string' ? header : startOf(file.path, header)
    if (typeof header === 'string' || typeof start === 'string')
      reading.skipped.push({ file: file.path, why: String(start) })
    else if (start) files.push({ ...file, header, from: start.at + shift(start.boot, start) })
  }
  files.sort((a, b) => a.header.sequence - b.header.sequence)
  const records: BlackBoxRecord[] = []
  files.forEach((file, index) => {
    const next = files[index + 1]
    const isLast = next === undefined
    if (!isLast && (file.from > to || next.from < from)) return
    try {
      const bytes = readFileSync(file.path)
      const last = readFile(bytes, file.header, { from, to, shift }, records)
      if (isLast && last !== undefined) reading.lastAt = Math.max(reading.lastAt ?? last, last)
    } catch (error) {
      reading.skipped.push({ file: file.path, why: (error as Error).message })
    }
  })
  return records
}

type Shift = (boot: string, stamp: Pick<Frame, 'at' | 'up'>) => number

interface Window {
  from: number
  to: number
  shift: Shift
}

/** Appends what is in the window, and returns when the last record of the file was written. */
function readFile(
  bytes: Buffer,
  { marker, source }: FileHeader,
  { from, to, shift }: Window,
  records: BlackBoxRecord[]
): number | undefined {
  let names: (string | undefined)[] = []
  let boot = ''
  let last: number | undefined
  for (const frame of framesOf(bytes, marker)) {
    const payload = bytes.subarray(frame.payloadAt, frame.end)
    if (frame.kind === kinds.session) {
      names = []
      boot = textOf(payload).boot ?? ''
    } else if (frame.kind === kinds.names) {
      const told = textOf(payload)
      told.names?.forEach((name, index) => {
        names[(told.from ?? 0) + index] = name
      })
    } else {
      last = frame.at + shift(boot, frame)
      if (last < from || last > to) continue
      const record = recordOf(frame.kind, source, last, payload, names)
      if (record) records.push(record)
    }
  }
  return last
}

function recordOf(
  kind: Frame['kind'],
  source: Source,
  at: number,
  payload: Buffer,
  names: readonly (string | undefined)[]
): BlackBoxRecord | undefined {
  if (kind === kinds.sample) {
    const values = decodeValues(payload, names)
    // Numbers without a name, because the record that told the names was damaged, say nothing.
    return Object.keys(values).length === 0 ? undefined : { kind: 'sample', at, source, values }
  }
  const what = readOccurrence(payload)
  return what && { kind: 'occurrence', at, source, ...what }
}

/** Frames are checked before they are read, so this is what was written. */
const textOf = (payload: Buffer) => JSON.parse(payload.toString()) as { boot?: string; from?: number; names?: string[] }

/** Less than this is the clock's own way of keeping time, in milliseconds. */
const leastJumpMs = 1_000

/** By how much a record's time is wrong by the clock as it is now. */
function shiftTo(clock: RecorderClock): Shift {
  const startedAt = clock.wallNow() - clock.upNow()
  return (boot, { at, up }) => {
    if (boot === '' || boot !== clock.boot) return 0
    const jump = startedAt - (at - up)
    return Math.abs(jump) < leastJumpMs ? 0 : jump
  }
}

function merged(a: readonly BlackBoxRecord[], b: readonly BlackBoxRecord[]): BlackBoxRecord[] {
  const all: BlackBoxRecord[] = []
  let i = 0
  let j = 0
  while (i < a.length && j < b.length) all.push(a[i]!.at <= b[j]!.at ? a[i++]! : b[j++]!)
  while (i < a.length) all.push(a[i++]!)
  while (j < b.length) all.push(b[j++]!)
  return all
}
