import type { Transaction } from '@plimsoll/database'
import type { Cursor } from '../entry.ts'
import { EventStoreError } from '../streams/errors.ts'
import type { StreamEvent } from '../streams/event.ts'
import type { EventStore } from '../streams/event-store.ts'
import type { Filter } from '../streams/order-rows.ts'

export interface ViewOptions extends Filter {
  store: EventStore
  /** Readers select from `SCHEMA.name`. Lower-case letters, digits and underscores. */
  name: string
  /** Raise it when `create` or `apply` changes: the new one is built beside the old one, and takes its place when it is as far. */
  generation: number
  /** The statement that makes the table of a generation. */
  create(table: string): string
  /** Changes the table by one event. What is personal is sealed, and is to be kept so (`EventStore.open` opens it). */
  apply?(tx: Transaction, table: string, event: StreamEvent): Promise<unknown>
  /** In place of `apply`: changes the table by several events in their order, in as few statements as it can. */
  applyAll?(tx: Transaction, table: string, events: readonly StreamEvent[]): Promise<unknown>
  /**
   * What the event also leads to, such as a row in an outbox: in the same transaction, once, and never for an event that
   * was there before the view, or that another generation has had.
   */
  effect?(tx: Transaction, event: StreamEvent): Promise<unknown>
  /** An event that cannot be read or is refused: stop there, or park it and all of its key behind it. Default `stop`. */
  onPoison?: 'stop' | 'park'
  /** Default: its stream; also where it throws for an event that cannot be read and so has no data. */
  keyOf?(event: StreamEvent): string
  /** Events a transaction, 1 to 10,000. Default 500. */
  batch?: number
  /** How long a worker that went silent keeps the others waiting, in milliseconds. Default 10,000. */
  leaseMs?: number
  /** Time between looks when no append of this process is heard of, in milliseconds. Default 250. */
  pollMs?: number
  /** Told of each failed step. The world's failures are tried again, slower each time, up to 5 s. */
  onError?(error: unknown): void
  now?(): number
}

/** An event that the view could not read or refused, where it was told to stop. The cursor stands before it. */
export class PoisonEventError extends EventStoreError {
  override readonly name = 'PoisonEventError'
  readonly code = 'PLIMSOLL_POISON_EVENT'

  constructor(view: string, { stream, version, type }: StreamEvent, cause: unknown) {
    super(`the view "${view}" stopped before version ${version} of "${stream}", a "${type}": ${String(cause)}`, {
      cause
    })
  }
}

export interface ViewState {
  cursor: Cursor
  /** Events applied or parked by this worker. */
  applied: number
  /** Of this worker since it began, in events a second. */
  perSecond: number
  caughtUp: boolean
  /** Readers see this generation. */
  live: boolean
  /** This worker has the lease. */
  working: boolean
  /** Why it stopped by itself. */
  stopped: unknown
}

/** @throws RangeError, TypeError for settings that cannot work */
export function checkViewOptions({
  name,
  generation,
  batch = 500,
  leaseMs = 10_000,
  apply,
  applyAll
}: ViewOptions): void {
  if (!/^[a-z_][a-z0-9_]{0,50}$/.test(name)) {
    throw new RangeError(`"${name}" cannot be a view's name: use up to 51 lower-case letters, digits and underscores`)
  }
  if (!Number.isInteger(generation) || generation < 1) throw new RangeError('a generation is a whole number from 1')
  if (!Number.isInteger(batch) || batch < 1 || batch > 10_000) throw new RangeError('batch is from 1 to 10,000')
  if (!(leaseMs > 0)) throw new RangeError('leaseMs is more than 0')
  if ((apply === undefined) === (applyAll === undefined)) throw new TypeError('a view needs one of apply and applyAll')
}
