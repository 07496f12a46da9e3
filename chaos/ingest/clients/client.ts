import type { Delivery } from '../plan.ts'
import type { Tally } from '../tally.ts'
import type { SdkRecord } from './sdk-record.ts'

/** What a client is told when it is made. */
export interface ClientOptions {
  name: string
  seed: number
  /** Where it sends to: a proxy in front of the platform. */
  url: string
  key: string
}

export type BrowserFault = 'offline' | 'reload' | 'reopen' | 'two-tabs' | 'restart'

/** A client of one kind, whatever it is made of: to add another kind, write one of these. */
export interface Client {
  readonly name: string
  /** What it is made of; the table has a column for each. */
  readonly kind: string
  /** The address that it sends to. */
  readonly url: string
  start(): void
  /** Makes nothing new, and resolves when each delivery has its final answers, or when `patienceMs` are over. */
  finish(patienceMs: number): Promise<void>
  /** Everything that it set out to deliver, for good. Asked after `finish`. */
  deliveries(): Promise<Delivery[]>
  /** What it told an SDK to record, which makes the ids by itself. Asked after `finish`. */
  recorded?(): SdkRecord
  /** Deliveries that have no final answer. Asked after `finish`. */
  readonly unfinished: number
  readonly tally: Tally
  /** When it made its last event, in milliseconds since 1970. Absent: it always has some under way. */
  readonly lastMadeAt?: number
  /** Its clock is off by so much from now on, in milliseconds. */
  setClock?(offsetMs: number): void
  /** Dies at once, and comes back a moment later. */
  kill?(downMs: number): Promise<void>
  /** What only a page can suffer. It is over when this resolves. */
  readonly suffer?: Readonly<Record<BrowserFault, (forMs: number) => Promise<void>>>
  /** Leaves no process behind, whatever happened. */
  dispose(): Promise<void>
}
