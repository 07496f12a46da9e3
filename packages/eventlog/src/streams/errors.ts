import { DatabaseError } from '@plimsoll/database'
import type { Expected } from './append.ts'

/** What every error of the event store has that is not the database's own. */
export abstract class EventStoreError extends Error {
  abstract readonly code: string
}

/** The stream is not where the caller thought. Nothing of the request was written: read it again and decide anew. */
export class WrongVersionError extends EventStoreError {
  override readonly name = 'WrongVersionError'
  readonly code = 'PLIMSOLL_WRONG_VERSION'
  readonly stream: string
  readonly expected: Expected
  /** The version of the stream, 0 when it has no event. */
  readonly actual: number

  constructor(stream: string, expected: Expected, actual: number) {
    super(`stream "${stream}" is at version ${actual}, and ${words(expected)} was expected; nothing was written`)
    this.stream = stream
    this.expected = expected
    this.actual = actual
  }
}

const words = (expected: Expected) =>
  typeof expected === 'number' ? `version ${expected}` : expected === 'none' ? 'no event' : 'at least one event'

/**
 * A transaction that began before another one appended to the stream wanted to append after it: readers, who go by the
 * transaction's number, would see the two in the other order. It is over; begin again in a fresh one (`isTransient`).
 */
export class StreamFencedError extends DatabaseError {
  override name = 'StreamFencedError'
  constructor(cause: DatabaseError) {
    super(cause.message, cause.code, { constraint: 'stream_fence', cause })
  }
}

/** The key of an append was given before to another request: what is in it differs. */
export class AppendKeyReusedError extends EventStoreError {
  override readonly name = 'AppendKeyReusedError'
  readonly code = 'PLIMSOLL_APPEND_KEY_REUSED'

  constructor(key: string) {
    super(`the key "${key}" belongs to an append of something else; nothing was written`)
  }
}

/** An event that cannot be made into one of today: its upcaster throws, a newer program wrote it, its key does not fit. */
export class UnreadableEventError extends EventStoreError {
  override readonly name = 'UnreadableEventError'
  readonly code = 'PLIMSOLL_UNREADABLE_EVENT'

  constructor({ stream, version, type }: { stream: string; version: number; type: string }, cause: unknown) {
    super(`version ${version} of "${stream}", a "${type}", cannot be read: ${String(cause)}`, { cause })
  }
}

/** Another consumer of the same name moved its checkpoint: this one must not write what that one has written. */
export class CheckpointMovedError extends EventStoreError {
  override readonly name = 'CheckpointMovedError'
  readonly code = 'PLIMSOLL_CHECKPOINT_MOVED'

  constructor(name: string) {
    super(`the checkpoint "${name}" was moved by another consumer; read it again, and let only one run at a time`)
  }
}
