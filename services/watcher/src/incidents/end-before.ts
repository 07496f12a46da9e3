import { type Diagnosis, unaskedEnd, why } from '@plimsoll/recorder'

/**
 * How the run before this one ended, where nobody had asked for it: the machine may have been away for hours, and no look
 * goes back as far. Undefined where it was stopped, where there was none, and where the records cannot be read. To be asked
 * before this watcher records anything.
 * @param directory of the rings
 */
export function endBefore(directory: string): Diagnosis | undefined {
  try {
    const { diagnosis } = why(directory)
    return unaskedEnd(diagnosis) ? diagnosis : undefined
  } catch {
    // Records of a later version: who opens them for writing says so.
    return undefined
  }
}
