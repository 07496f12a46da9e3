/** What every error of this package has: a stable `code`. */
export abstract class RecorderError extends Error {
  abstract readonly code: string
}

/** All that was recorded is in files of a later version, whose records this one cannot read. Nothing was changed. */
export class RecorderVersionError extends RecorderError {
  override readonly name = 'RecorderVersionError'
  readonly code = 'RECORDER_VERSION'
  readonly file: string

  constructor(file: string, version: number, known: number) {
    super(
      `${file} was written in version ${version} of the black box's form, this Plimsoll knows up to ${known}, and there is nothing else to be read: use the later Plimsoll`
    )
    this.file = file
  }
}

/** There is no place for a single file of the ring; `cause` is the disk's error. */
export class RecorderDiskError extends RecorderError {
  override readonly name = 'RecorderDiskError'
  readonly code = 'RECORDER_DISK'

  constructor(directory: string, cause: unknown) {
    super(`${directory} cannot hold a black box: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}
