export { createDirectory } from './adapters/pglite/create.ts'
export { type CopyType, copyRows } from './copy-rows.ts'
export { copyRow, copyValue } from './copy-text.ts'
export type {
  CommitListener,
  CopyData,
  Database,
  DatabaseStatistics,
  Engine,
  EngineExit,
  Notifications,
  Queryable,
  Result,
  Transaction,
  TransactionOptions
} from './database.ts'
export {
  DatabaseClosedError,
  DatabaseError,
  DirectoryLockedError,
  isTransient,
  isUnavailable,
  isUniqueViolation,
  QueueFullError
} from './errors.ts'
export { GroupCommit, type GroupCommitOptions } from './group-commit.ts'
export { type HousekeepingOptions, keepHouse } from './housekeeping.ts'
export { typed } from './kysely.ts'
export { type MigrateOptions, MigrationChangedError, MigrationOrderError, migrate } from './migrations.ts'
export { open } from './open.ts'
export type { Procedure, ProcedureContext } from './procedure.ts'
