import type { Transaction } from '@plimsoll/database'
import { type Clock, systemClock } from '@plimsoll/resilience'
import type { Message } from '../message/message.ts'
import type { Backoff, Fault } from './fault.ts'

export interface HandlerContext {
  /** The transaction that makes the message handled. Change your own tables in it, and both happen or neither. */
  readonly tx: Transaction
  /** 1 for the first try. */
  readonly attempt: number
  /** Aborted when the handler is too late, or the partition is lost. */
  readonly signal: AbortSignal
}

export type Handler = (message: Message, context: HandlerContext) => Promise<unknown>

export interface SubscribeOptions {
  /** Partitions that are worked on at once. Default 4. */
  concurrency?: number
  /** Tries of one message before it is a dead letter. Default 5. */
  maxAttempts?: number
  /** Between tries of one message. Default `{ firstMs: 500, maxMs: 60_000 }`. */
  backoff?: Partial<Backoff>
  /** `key`: what comes behind a failed message of its key waits. `none`: it does not. Default `key`. */
  ordered?: 'key' | 'none'
  /** Messages of one partition that may wait in this process. Default 200. */
  prefetch?: number
  /** Messages in one transaction at most; when one fails, each gets a transaction of its own. Default 1. */
  batch?: number
  /** How long a silent consumer's partitions stay its own: the visibility timeout, in milliseconds. Default 10,000. */
  leaseMs?: number
  /** How long a handler may take, in milliseconds. Default 30,000. */
  handlerTimeoutMs?: number
  /** Where a group that is new begins. Default `start`, where the broker has a past. */
  from?: 'start' | 'end' | { time: number }
  /** Between tries while the world is at fault. Default `{ firstMs: 200, maxMs: 30_000 }`. */
  worldBackoff?: Partial<Backoff>
  /** Judges an error of the handler; `undefined` leaves it to us. */
  faultOf?: (error: unknown) => Fault | undefined
  /** Told what happens, for logs and metrics. Must not throw. */
  onEvent?: (event: SubscriptionEvent) => void
  clock?: Clock
  random?: () => number
}

export type SubscriptionEvent =
  | { kind: 'failed'; id: string; key: string | null; attempts: number; fault: Fault; error: unknown }
  | { kind: 'dead'; id: string; key: string | null; attempts: number; error: unknown }
  | { kind: 'waiting'; error: unknown; retryInMs: number }
  | { kind: 'recovered' }
  | { kind: 'acquired' | 'released' | 'lost'; partition: number }

export interface Settings {
  concurrency: number
  maxAttempts: number
  backoff: Backoff
  ordered: 'key' | 'none'
  prefetch: number
  batch: number
  leaseMs: number
  handlerTimeoutMs: number
  from: 'start' | 'end' | { time: number }
  worldBackoff: Backoff
  faultOf: (error: unknown) => Fault | undefined
  onEvent: (event: SubscriptionEvent) => void
  clock: Clock
  random: () => number
}

/** @throws RangeError for what is out of range */
export function settingsOf(options: SubscribeOptions): Settings {
  const batch = whole('batch', options.batch ?? 1, 1, 10_000)
  const leaseMs = whole('leaseMs', options.leaseMs ?? 10_000, 100, 3_600_000)
  return {
    concurrency: whole('concurrency', options.concurrency ?? 4, 1, 1_000),
    maxAttempts: whole('maxAttempts', options.maxAttempts ?? 5, 1, 1_000),
    backoff: { firstMs: 500, maxMs: 60_000, ...options.backoff },
    ordered: options.ordered ?? 'key',
    prefetch: whole('prefetch', options.prefetch ?? Math.max(200, batch), batch, 100_000),
    batch,
    leaseMs,
    handlerTimeoutMs: whole('handlerTimeoutMs', options.handlerTimeoutMs ?? 30_000, 1, 3_600_000),
    from: options.from ?? 'start',
    worldBackoff: { firstMs: 200, maxMs: 30_000, ...options.worldBackoff },
    faultOf: options.faultOf ?? (() => undefined),
    onEvent: options.onEvent ?? (() => undefined),
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random
  }
}

function whole(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new RangeError(`${name} is a whole number from ${least} to ${most}, not ${value}`)
}
