/** What every error of this package has: a stable `code`. */
export abstract class SpoolError extends Error {
  abstract readonly code: string
}

/** The record does not fit beside what is not released. Nothing was written; release, or raise `maxBytes`. */
export class SpoolFullError extends SpoolError {
  override readonly name = 'SpoolFullError'
  readonly code = 'SPOOL_FULL'
  /** What is held and being written, in bytes. */
  readonly bytes: number
  readonly maxBytes: number

  constructor(bytes: number, recordBytes: number, maxBytes: number) {
    super(`The spool holds ${bytes} of ${maxBytes} bytes, and a record of ${recordBytes} does not fit.`)
    this.bytes = bytes
    this.maxBytes = maxBytes
  }
}

/** More waits for the disk than may be kept in memory. Nothing was written; try again when appends have settled. */
export class SpoolBusyError extends SpoolError {
  override readonly name = 'SpoolBusyError'
  readonly code = 'SPOOL_BUSY'

  constructor(pendingBytes: number, maxPendingBytes: number) {
    super(`${pendingBytes} bytes wait for the disk and ${maxPendingBytes} may: wait for appends to settle.`)
  }
}

/** The record is longer than `maxRecordBytes`. Nothing was written. */
export class SpoolRecordTooLargeError extends SpoolError {
  override readonly name = 'SpoolRecordTooLargeError'
  readonly code = 'SPOOL_RECORD_TOO_LARGE'

  constructor(bytes: number, maxRecordBytes: number) {
    super(`The record has ${bytes} bytes and ${maxRecordBytes} may be kept: split it, or raise maxRecordBytes.`)
  }
}

/** The disk refused a write, a sync or a deletion; `cause` is its error. What was being appended is not kept. */
export class SpoolWriteError extends SpoolError {
  override readonly name = 'SpoolWriteError'
  readonly code = 'SPOOL_WRITE_FAILED'

  constructor(what: string, cause: unknown) {
    super(`${what} failed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

/** The disk refused a read; `cause` is its error. Nothing was changed. */
export class SpoolReadError extends SpoolError {
  override readonly name = 'SpoolReadError'
  readonly code = 'SPOOL_READ_FAILED'

  constructor(path: string, cause: unknown) {
    super(`${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

/** The spool was closed. Nothing was done. */
export class SpoolClosedError extends SpoolError {
  override readonly name = 'SpoolClosedError'
  readonly code = 'SPOOL_CLOSED'

  constructor() {
    super('The spool is closed.')
  }
}

/** Another process, or this one, has the directory open. */
export class SpoolLockedError extends SpoolError {
  override readonly name = 'SpoolLockedError'
  readonly code = 'SPOOL_LOCKED'
  readonly pid: number

  constructor(directory: string, pid: number) {
    super(`${directory} is open in process ${pid}; one process at a time may use a spool.`)
    this.pid = pid
  }
}

export interface Corruption {
  /** The segment's file, as it was named. */
  path: string
  /** Bytes that hold no readable record. */
  badBytes: number
  /** Places of such bytes, as offsets into the file: the first 16. */
  places: { from: number; to: number }[]
  /** Records of this segment that can be read. */
  kept: number
  /** Numbers missing between those that can be read. What is missing at the segment's end cannot be counted. */
  missing: number
  /** Where the file was put aside; `undefined` when it is still in its place. */
  quarantined?: string | undefined
}

/** A segment holds what is no record, or is gone. It goes to `onError`: what can be read still is. */
export class SpoolCorruptError extends SpoolError {
  override readonly name = 'SpoolCorruptError'
  readonly code = 'SPOOL_CORRUPT'
  readonly corruption: Corruption

  constructor(corruption: Corruption) {
    const { path, badBytes, places, kept, missing, quarantined } = corruption
    const where = places.map(({ from, to }) => `${from} to ${to}`).join(', ')
    const fate = quarantined === undefined ? 'It is still in its place' : `It was put aside as ${quarantined}`
    super(
      places.length === 0
        ? `${path} is missing.`
        : `${path} has ${badBytes} unreadable bytes (${where}); ${kept} records kept, at least ${missing} lost. ${fate}.`
    )
    this.corruption = corruption
  }
}
