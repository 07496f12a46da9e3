import type { Cursor, EventStore, Filter, LagReport, StreamEvent } from '@plimsoll/eventlog'
import { type Clock, systemClock } from '@plimsoll/resilience'
import { type Backoff, delayOf } from '../consumer/fault.ts'
import type { NewMessage } from '../message/message.ts'
import type { PubSub } from '../pubsub.ts'

export interface OutboxRelayOptions extends Filter {
  /** The event store is the outbox: what is appended is what will be published. */
  store: EventStore
  pubsub: PubSub
  /** Of the relay's place in the store. Each relay has its own. */
  name: string
  /** Where an event goes; `undefined`: nowhere. */
  topic: string | ((event: StreamEvent) => string | undefined)
  /** What is published of an event, over what is made by itself: id, key (the stream), type, data, time, trace, causes. */
  message?: (event: StreamEvent) => Partial<NewMessage>
  /** Events at once, 1 to 10,000. Default 500. */
  batch?: number
  /** Between tries while the broker or the store is away. Default `{ firstMs: 100, maxMs: 10_000 }`. */
  backoff?: Partial<Backoff>
  /** Told of each failed try. Must not throw. */
  onError?: (error: unknown, retryInMs: number) => void
  clock?: Clock
  random?: () => number
}

export interface OutboxState {
  /** Everything up to here is in the broker. `undefined` before the first look. */
  cursor: Cursor | undefined
  /** Events published since the start. */
  published: number
  /** Failed tries in a row, and what the last one met. */
  failures: number
  error: unknown
}

/**
 * From an event store to a broker, at least once: a page is published, then the place is moved. Killed in between, the page is
 * published again with the same ids. Ids come first in the order of their streams whatever happens, so a subscriber, who
 * handles each id once, keeps the order. The write side never waits for a broker: it appends, and knows of none.
 */
export class OutboxRelay {
  #options: OutboxRelayOptions
  #clock: Clock
  #backoff: Backoff
  #stopping: AbortController | undefined
  #running: Promise<void> = Promise.resolve()
  #state: OutboxState = { cursor: undefined, published: 0, failures: 0, error: undefined }

  constructor(options: OutboxRelayOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#backoff = { firstMs: 100, maxMs: 10_000, ...options.backoff }
  }

  get state(): OutboxState {
    return { ...this.#state }
  }

  start(): void {
    if (this.#stopping) return
    const stopping = new AbortController()
    this.#stopping = stopping
    this.#running = this.#run(stopping.signal)
  }

  /** Ends after the page under way, or after a try that fails. */
  async stop(): Promise<void> {
    this.#stopping?.abort()
    await this.#running
    this.#stopping = undefined
  }

  /** How far it is behind: events that are not in the broker, the age of the oldest, and who holds the store's horizon. */
  async lag(): Promise<LagReport> {
    const { store, name } = this.#options
    return await store.lag(await store.checkpoint(name))
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#follow(signal)
      } catch (error) {
        const failures = this.#state.failures + 1
        const retryInMs = delayOf(this.#backoff, failures, this.#options.random ?? Math.random)
        this.#state = { ...this.#state, failures, error }
        this.#options.onError?.(error, retryInMs)
        await this.#pause(retryInMs, signal)
      }
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { store, name, batch = 500, category, types } = this.#options
    let from = await store.checkpoint(name)
    const filter = { ...(category !== undefined && { category }), ...(types && { types }) }
    for await (const { events, cursor } of store.subscribe({ from, signal, batch, ...filter })) {
      await this.#publish(events)
      const move = { name, from, to: cursor }
      await store.database.transaction(tx => store.moveCheckpoint(tx, move))
      from = cursor
      this.#state = {
        cursor,
        published: this.#state.published + events.length,
        failures: 0,
        error: undefined
      }
    }
  }

  /** Topic by topic: the order is kept by stream, and a stream's events may go to several topics. */
  async #publish(events: readonly StreamEvent[]): Promise<void> {
    const { topic, pubsub } = this.#options
    const byTopic = new Map<string, NewMessage[]>()
    for (const event of events) {
      const name = typeof topic === 'string' ? topic : topic(event)
      if (name === undefined) continue
      const messages = byTopic.get(name) ?? []
      byTopic.set(name, messages)
      messages.push(this.#messageOf(event))
    }
    for (const [name, messages] of byTopic) await pubsub.publish(name, messages)
  }

  #messageOf(event: StreamEvent): NewMessage {
    const { id, stream, version, type, data, recordedAt, metadata } = event
    const { correlationId, causationId, traceparent } = metadata
    return {
      id,
      key: stream,
      subject: stream,
      type,
      data,
      time: recordedAt,
      headers: { 'stream-version': String(version) },
      ...(correlationId !== undefined && { correlationId }),
      ...(causationId !== undefined && { causationId }),
      ...(traceparent !== undefined && { traceparent }),
      ...this.#options.message?.(event)
    }
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = this.#clock.setTimer(resolve, ms)
    signal.addEventListener('abort', () => resolve(), { once: true })
    if (signal.aborted) resolve()
    await promise
    this.#clock.clearTimer(timer)
  }
}
