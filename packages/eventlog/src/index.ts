export { type Cursor, type LogEntry, type NewEntry, parseEntry, type StoredEntry, start } from './entry.ts'
export {
  append,
  entryKey,
  findDigests,
  findEntry,
  findReceipts,
  type Known,
  logChannel,
  migrateLog,
  type Page,
  readLog
} from './log.ts'
export {
  applyInTransaction,
  CursorMovedError,
  moveCursor,
  Projection,
  type ProjectionOptions,
  type ProjectionState,
  type ReadStep,
  readStep,
  type Step,
  stepBytes
} from './projection.ts'
