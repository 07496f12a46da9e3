import type { Transaction } from '@plimsoll/database'
import type { Capabilities } from './capabilities.ts'
import type { Envelope } from './message/envelope.ts'

/** Whose share of which topic. */
export interface Place {
  readonly topic: string
  readonly group: string
  readonly partition: number
}

/**
 * Where a message stands in its partition, as text that sorts (byte by byte) in the order of the partition. `null` where the
 * broker has no positions: there it keeps for itself what was acknowledged.
 */
export type Position = string | null

export interface Delivery {
  readonly envelope: Envelope
  readonly position: Position
  /** When the broker took it, in milliseconds since 1970; the publisher's time where it does not tell. */
  readonly publishedAt: number
  /** The adapter's own, for `ack`. */
  readonly receipt?: unknown
}

export interface OpenOptions {
  /** Begin right behind this. `null`: at the beginning. Brokers without positions go by what was acknowledged. */
  after: Position
  /** Messages that may wait in this process, taken from the broker and not yet handled. */
  prefetch: number
}

/** One reader of one partition for one group. */
export interface Source {
  /**
   * The next messages in the partition's order, `limit` at most. Waits for the first until `signal` aborts, then gives none.
   * Rejects when the broker is away; the source is closed then, and another is opened.
   */
  next(limit: number, signal: AbortSignal): Promise<readonly Delivery[]>
  /** They are committed in the consumer's database. May be lost: whatever comes again is known there. */
  ack(deliveries: readonly Delivery[]): Promise<void>
  /** Gives back what was not acknowledged. */
  close(): Promise<void>
}

export interface BrokerLag {
  /** Messages behind the position, or waiting in the group's queue; counted to 100,000 where a count is not kept. */
  readonly messages: number
  /** When the first of them was taken, in milliseconds since 1970; `null` when there is none, or it is not told. */
  readonly oldestAt: number | null
}

/** Where a replay begins: everything, a moment (milliseconds since 1970), or right behind a position in one partition. */
export type ReplayFrom =
  | 'start'
  | 'end'
  | { readonly time: number }
  | { readonly partition: number; readonly after: string }

/**
 * What an adapter has to do. Everything else (handled once, order through failures, dead letters, attempts, fencing, back-off,
 * drain) is done once, above it, in the consumer's database.
 */
export interface Broker {
  readonly capabilities: Capabilities
  /** Makes a topic unless it is there. Resolves with its number of partitions, which never changes. */
  topic(name: string): Promise<number>
  /** Makes what a group needs, so that it misses nothing that is published after this. */
  group(topic: string, group: string): Promise<void>
  /** Resolves when the broker has all of them safe, in the order given. Rejects when that is not sure. */
  publish(topic: string, messages: readonly Envelope[]): Promise<void>
  /** Publishes in the caller's transaction, where the broker is the caller's database. */
  publishIn?(tx: Transaction, topic: string, messages: readonly Envelope[]): Promise<void>
  open(place: Place, options: OpenOptions): Promise<Source>
  lag(place: Place, after: Position): Promise<BrokerLag>
  /** Resolves when it answers now, and rejects when it does not. Left out where nothing can be asked that costs nothing. */
  ping?(): Promise<void>
  /** The position right before the first message of a partition to be read again. */
  seek?(
    topic: string,
    partition: number,
    from: Exclude<ReplayFrom, object> | { readonly time: number }
  ): Promise<Position>
  close(): Promise<void>
}
