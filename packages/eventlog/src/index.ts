export { type Decider, type DomainEvent, decider } from './decider/decider.ts'
export { type Folded, type FoldOptions, fold, type Handled, type HandleOptions, handle } from './decider/handle.ts'
export { type Cursor, type LogEntry, type NewEntry, parseEntry, type StoredEntry, start } from './entry.ts'
export { Keyring, type KeyringOptions, SubjectErasedError } from './erasure/keyring.ts'
export type { PersonalFields, ProtectionOptions } from './erasure/protection.ts'
export { type ScanOptions, type ScanReceipt, scan } from './erasure/scan.ts'
export { type Erased, isErased, isSealed, type Sealed } from './erasure/seal.ts'
export {
  append,
  entryKey,
  findDigests,
  findEntry,
  findReceipts,
  headOf,
  type Known,
  logChannel,
  migrateLog,
  type Page,
  placeChannel,
  readLog
} from './log.ts'
export {
  bucketAt,
  bucketOf,
  cutBefore,
  keepPartitions,
  type PartitionChange,
  type PartitionOptions,
  partitionMs
} from './partitions.ts'
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
export { type LogPage, type LogReader, type LogReads, SharedLog } from './shared-log.ts'
export type { Snapshot, SnapshotPolicy } from './snapshots/snapshot.ts'
export type { Appended, AppendedAll, AppendOptions, Expected, Part } from './streams/append.ts'
export {
  AppendKeyReusedError,
  CheckpointMovedError,
  EventStoreError,
  StreamFencedError,
  UnreadableEventError,
  WrongVersionError
} from './streams/errors.ts'
export { type EventMetadata, isAfter, type NewEvent, type StreamEvent } from './streams/event.ts'
export { EventStore, type EventStoreOptions } from './streams/event-store.ts'
export type { Holder, LagReport } from './streams/lag.ts'
export type { Filter } from './streams/order-rows.ts'
export type { EventPage, ReadAllOptions, ReadStreamOptions } from './streams/read.ts'
export type { SubscribeOptions } from './streams/subscribe.ts'
export { EventFromFutureError, type EvolutionOptions, type Upcaster } from './upcasting/evolution.ts'
export { ViewFencedError, ViewSupersededError } from './views/generation.ts'
export { PoisonEventError, type ViewOptions, type ViewState } from './views/options.ts'
export type { Parked } from './views/parking.ts'
export { View } from './views/view.ts'
