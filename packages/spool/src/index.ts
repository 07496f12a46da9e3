export {
  type Corruption,
  SpoolBusyError,
  SpoolClosedError,
  SpoolCorruptError,
  SpoolError,
  SpoolFullError,
  SpoolLockedError,
  SpoolReadError,
  SpoolRecordTooLargeError,
  SpoolWriteError
} from './errors.ts'
export type { ReadOptions, SpooledRecord } from './read-records.ts'
export type { SpoolOptions } from './settings.ts'
export { openSpool, type Spool, type SpoolState } from './spool.ts'
