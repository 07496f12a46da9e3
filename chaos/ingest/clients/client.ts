import type { Delivery } from '../plan.ts'
import type { Tally } from '../tally.ts'

/** What a client is told when it is made. */
export interface ClientOptions {
  name: string
  seed: number
  /** Where it sends to: a proxy in front of the platform. */
  url: string
  key: string
}

/** A client of one kind, whatever it is made of: to add another kind, write one of these. */
export interface Client {
  readonly name: string
  start(): void
  /** Makes nothing new, and resolves when each delivery has its final answers, or when `patienceMs` are over. */
  finish(patienceMs: number): Promise<void>
  /** Everything that it set out to deliver, for good. Asked after `finish`. */
  deliveries(): Promise<Delivery[]>
  /** Deliveries that have no final answer. Asked after `finish`. */
  readonly unfinished: number
  readonly tally: Tally
  /** Its clock is off by so much from now on, in milliseconds. */
  setClock?(offsetMs: number): void
  /** Dies at once, and comes back a moment later. */
  kill?(downMs: number): Promise<void>
  /** Leaves no process behind, whatever happened. */
  dispose(): Promise<void>
}
