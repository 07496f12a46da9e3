import type { Database, Transaction } from '@plimsoll/database'
import { systemClock } from '@plimsoll/resilience'
import type { Broker } from './broker.ts'
import { DeadLetters } from './consumer/dead-letters.ts'
import { type Handler, type SubscribeOptions, settingsOf } from './consumer/settings.ts'
import { type ConsumerStore, migrateConsumer, sweepInbox } from './consumer/store.ts'
import { Subscription } from './consumer/subscription.ts'
import { MessageTooLargeError, UnsupportedError } from './errors.ts'
import { bytesCodec, type Codec, jsonCodec } from './message/codec.ts'
import { type Envelope, sizeOf, surelyWithin } from './message/envelope.ts'
import { envelopeOf, type NewMessage, type Wording } from './message/message.ts'
import type { SchemaRegistry } from './schema/registry.ts'

export interface PubSubOptions {
  broker: Broker
  /** The consumer's own database. Needed to subscribe; publishers do without. */
  database?: Database
  /** Of our tables there. Default `pubsub`. */
  schema?: string
  /** The CloudEvents source of what is published, a URI reference such as `/orders`. */
  source: string
  /** Makes bytes of data. Default JSON. */
  codec?: Codec
  /** Reads bytes, beside `codec`, JSON and plain bytes. */
  codecs?: readonly Codec[]
  registry?: SchemaRegistry
  /** Milliseconds since 1970, for messages without a time. Default: the machine's. */
  wallNow?: () => number
}

export interface PublishOptions {
  /** Publishes in this transaction of the broker's database. Where the broker is one: see its capabilities. */
  tx?: Transaction
}

const nameForm = /^[a-z0-9][a-z0-9_.-]{0,79}$/

/** One contract over all brokers. */
export class PubSub {
  readonly broker: Broker
  #store: ConsumerStore | undefined
  #wording: Wording
  #partitions = new Map<string, Promise<number>>()
  #subscriptions = new Set<Subscription>()

  constructor(options: PubSubOptions) {
    const { broker, database, schema = 'pubsub', source, codec = jsonCodec, codecs = [], registry } = options
    this.broker = broker
    this.#store = database && { database, schema }
    const known = [jsonCodec, bytesCodec, ...codecs, codec].map(each => [each.contentType, each] as const)
    const wallNow = options.wallNow ?? systemClock.wallNow
    this.#wording = { source, codec, codecs: new Map(known), registry, wallNow }
  }

  /** Makes the consumer's tables. Safe to call again, and from several processes at once. */
  static migrate(database: Database, schema = 'pubsub'): Promise<void> {
    return migrateConsumer(database, schema)
  }

  /**
   * Resolves with the ids when the broker has all of them safe. Of one call, messages of one key keep their order.
   * @throws InvalidMessageError, MessageTooLargeError, SchemaViolationError: nothing was sent
   * @throws NotConfirmedError: it is not known; publish again with the same ids
   */
  async publish(
    topic: string,
    message: NewMessage | readonly NewMessage[],
    options: PublishOptions = {}
  ): Promise<string[]> {
    const { ids, sent } = this.#send(topic, message, await this.#partitionsOf(topic), options.tx)
    await sent
    return ids
  }

  /** A function of its own, so that messages do not live until they are confirmed: who waits keeps all that it has in hand. */
  #send(
    topic: string,
    message: NewMessage | readonly NewMessage[],
    partitions: number,
    tx: Transaction | undefined
  ): { ids: string[]; sent: Promise<void> | undefined } {
    const messages: readonly NewMessage[] = Array.isArray(message) ? message : [message as NewMessage]
    const now = this.#wording.wallNow()
    const envelopes = messages.map(each => envelopeOf(each, partitions, this.#wording, now))
    for (const envelope of envelopes) this.#checkSize(envelope)
    const ids = envelopes.map(({ id }) => id)
    const { broker } = this
    if (envelopes.length === 0) return { ids, sent: undefined }
    if (!tx) return { ids, sent: broker.publish(topic, envelopes) }
    if (broker.publishIn) return { ids, sent: broker.publishIn(tx, topic, envelopes) }
    throw new UnsupportedError(
      `${broker.capabilities.name} is not in your transaction: append to an event store and relay it`
    )
  }

  /** Joins a group of subscribers of a topic. Each group gets every message; within a group one member handles it. */
  async subscribe(
    topic: string,
    group: string,
    handler: Handler,
    options: SubscribeOptions = {}
  ): Promise<Subscription> {
    checkName('topic', topic)
    checkName('group', group)
    const { broker } = this
    const settings = settingsOf(options)
    const store = this.#storeOrThrow()
    const parts = { broker, store, wording: this.#wording, topic, group, handler, settings }
    const subscription = await Subscription.start(parts)
    this.#subscriptions.add(subscription)
    return subscription
  }

  /** What a group could not handle, also without a subscription of this process. */
  deadLetters(topic: string, group: string): DeadLetters {
    return new DeadLetters(this.#storeOrThrow(), topic, group)
  }

  /**
   * Forgets ids that were handled before a moment (milliseconds since 1970), `limit` at most, and says how many. Keep them for
   * as long as a publisher may send one again, and a broker may redeliver.
   */
  sweep(options: { before: number; limit: number }): Promise<number> {
    return sweepInbox(this.#storeOrThrow(), options)
  }

  /** Drains every subscription that was made here. The broker and the database stay open. */
  async close(): Promise<void> {
    await Promise.all([...this.#subscriptions].map(subscription => subscription.drain()))
  }

  /** One promise for all who ask: they go on in the order in which they came. */
  #partitionsOf(topic: string): Promise<number> {
    checkName('topic', topic)
    const known = this.#partitions.get(topic)
    if (known) return known
    const asked = this.broker.topic(topic)
    this.#partitions.set(topic, asked)
    asked.catch(() => this.#partitions.delete(topic))
    return asked
  }

  #checkSize(envelope: Envelope): void {
    const { maxBytes } = this.broker.capabilities
    if (surelyWithin(maxBytes, envelope)) return
    const size = sizeOf(envelope)
    if (size > maxBytes) throw new MessageTooLargeError(envelope.id, size, maxBytes)
  }

  #storeOrThrow(): ConsumerStore {
    if (this.#store) return this.#store
    throw new TypeError('to subscribe, PubSub needs the database of the consumer: give it as database')
  }
}

/** What every broker takes as a name. */
function checkName(what: string, name: string): void {
  if (nameForm.test(name)) return
  throw new RangeError(`a ${what} has 1 to 80 lower-case letters, digits, "_", "." and "-", and not "${name}"`)
}
