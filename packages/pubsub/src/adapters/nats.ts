import { connect, type Msg, headers as newHeaders } from '@nats-io/transport-node'
import type { Broker, Delivery, Position } from '../broker.ts'
import type { Capabilities } from '../capabilities.ts'
import { MessageTooLargeError, NotConfirmedError } from '../errors.ts'
import { type Envelope, fromPairs, toPairs } from '../message/envelope.ts'
import { type PartitionLog, positionalBroker } from '../sources/positional.ts'
import { JetStream, type PullConsumer } from './jetstream.ts'

export interface NatsBrokerOptions {
  /** Of a server of version 2.9 or newer with JetStream, `nats://…`. */
  url: string
  /** Before each subject and the name of each stream. Letters and digits. Default `pubsub`. */
  prefix?: string
  /** Of a topic that is made here, fixed from then on. Default 8. */
  partitions?: number
  /** Of a topic that is made here: how long a repeated id is dropped, in milliseconds. Default 120,000. */
  dedupeWindowMs?: number
  /** Copies of a topic that is made here. Default 1. */
  replicas?: number
  /** How long an answer may take, in milliseconds. Default 5,000. */
  timeoutMs?: number
  /** Time between looks when no news is heard of, in milliseconds. Default 250. */
  pollMs?: number
}

export const natsCapabilities: Capabilities = {
  name: 'NATS JetStream',
  ordering: 'partition',
  groups: true,
  replay: true,
  history: true,
  lag: true,
  transactional: false,
  dedupeWindowMs: 120_000,
  // The server's default for a message with its headers is 1,048,576.
  maxBytes: 1_000_000,
  delay: false,
  priorities: false,
  deadLetters: false,
  confirmed: 'written, synced within 2 min'
}

/**
 * A stream a topic, a subject a partition. Positions are kept in the consumer's database, so nothing is acknowledged to the
 * server: a late acknowledgement of a delivery that was superseded (nats-server#4786) does not exist.
 */
export async function natsBroker(options: NatsBrokerOptions): Promise<Broker> {
  const { url, prefix = 'pubsub', partitions = 8, dedupeWindowMs = 120_000, replicas = 1 } = options
  const { timeoutMs = 5_000, pollMs = 250 } = options
  const connection = await connect({
    servers: url,
    timeout: timeoutMs,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
    reconnectJitter: 50,
    pingInterval: 5_000,
    maxPingOut: 2
  })
  const jetstream = new JetStream(connection, timeoutMs)
  // A dot would make two tokens of a name. No name has an equals sign in it.
  const nameOf = (topic: string) => `${prefix}-${topic.replaceAll('.', '=')}`
  const subjectOf = (topic: string, partition: number) => `${prefix}.${topic.replaceAll('.', '=')}.${partition}`
  const newsOf = (topic: string) => `${prefix}-news.${topic.replaceAll('.', '=')}`
  const maxPayload = connection.info?.max_payload ?? 1_048_576

  const topics = new Map<string, Promise<number>>()
  const makeTopic = async (topic: string): Promise<number> => {
    const subjects = Array.from({ length: partitions }, (_, partition) => subjectOf(topic, partition))
    const made = await jetstream.stream(nameOf(topic), { subjects, dedupeWindowMs, replicas })
    return made.length
  }
  const topicOf = (topic: string): Promise<number> => {
    const known = topics.get(topic)
    if (known) return known
    const making = makeTopic(topic)
    topics.set(topic, making)
    making.catch(() => topics.delete(topic))
    return making
  }

  /** News of what is confirmed in one turn go together. */
  const news = new Map<string, Set<number>>()
  const tellNews = (topic: string, messages: readonly Envelope[]) => {
    if (news.size === 0) setImmediate(sendNews)
    const partitions = news.get(topic) ?? new Set()
    news.set(topic, partitions)
    for (const { partition } of messages) partitions.add(partition)
  }
  const sendNews = () => {
    for (const [topic, partitions] of connection.isClosed() ? [] : news) {
      connection.publish(newsOf(topic), Uint8Array.from(partitions))
    }
    news.clear()
  }

  /** Pull consumers of the server that stand at a place, so that the next page needs no new one. */
  const standing = new Map<string, PullConsumer>()
  const keep = (place: string, consumer: PullConsumer) => {
    standing.set(place, consumer)
    if (standing.size > 256) standing.delete(standing.keys().next().value!)
  }
  const log: PartitionLog = {
    pollMs,
    async read(topic, partition, after, limit) {
      const place = (position: Position) => `${topic}/${partition}/${position}`
      const stream = nameOf(topic)
      const kept = standing.get(place(after))
      standing.delete(place(after))
      const from = { sequence: sequenceOf(after) + 1 }
      const made = () => jetstream.consumer(stream, subjectOf(topic, partition), from)
      let consumer = kept ?? (await made())
      let messages: Msg[]
      try {
        messages = await pull(stream, consumer, limit)
      } catch (error) {
        // The server forgets what was not asked for long, and at a restart.
        if (kept === undefined) throw error
        consumer = await made()
        messages = await pull(stream, consumer, limit)
      }
      const deliveries = messages.map(message => deliveryOf(partition, message))
      const last = messages.at(-1)
      const pending = last ? pendingIn(last) : 0
      keep(place(deliveries.at(-1)?.position ?? after), { name: consumer.name, pending })
      return { deliveries, more: pending > 0 }
    },
    onNews(topic, listener) {
      const subscription = connection.subscribe(newsOf(topic), {
        callback: (_error, message) => {
          for (const partition of message.data) listener(partition)
        }
      })
      return () => subscription.unsubscribe()
    }
  }
  const sources = positionalBroker(log)

  return {
    capabilities: { ...natsCapabilities, dedupeWindowMs },
    open: sources.open,
    topic: topicOf,
    group: async () => undefined,
    async publish(topic, messages) {
      const prepared = messages.map(message => prepare(message, maxPayload))
      try {
        await topicOf(topic)
        // Sent one behind the other on one connection: what is lost with it is lost from some place on.
        await Promise.all(
          prepared.map(({ envelope, headers }) =>
            jetstream.publish(subjectOf(topic, envelope.partition), envelope.data, headers)
          )
        )
      } catch (error) {
        throw new NotConfirmedError('NATS', error)
      }
      tellNews(topic, messages)
    },
    async lag({ topic, partition }, after) {
      const from = { sequence: sequenceOf(after) + 1 }
      return await withConsumer(topic, partition, from, async ({ name, pending }) => {
        if (pending === 0) return { messages: 0, oldestAt: null }
        const [first] = await jetstream.pull(nameOf(topic), name, 1)
        return { messages: pending, oldestAt: first ? deliveryOf(partition, first).publishedAt : null }
      })
    },
    ping: () => jetstream.ping(),
    async seek(topic, partition, from) {
      if (from === 'start') return null
      const last = positionOf(await jetstream.lastSequence(nameOf(topic)))
      if (from === 'end') return last
      return await withConsumer(topic, partition, from, async ({ name, pending }) => {
        const [first] = pending === 0 ? [] : await jetstream.pull(nameOf(topic), name, 1)
        return first ? positionOf(sequenceIn(first) - 1) : last
      })
    },
    async close() {
      sources.closeReaders()
      await connection.close()
    }
  }

  /**
   * As many as are known to be there, `limit` at most, so that the last of them is known for the last. A message that says that
   * none is behind it ends nothing: in a request for more the server goes on with what comes meanwhile, and who has stopped
   * listening never gets that, for this consumer has had it.
   */
  function pull(stream: string, { name, pending }: PullConsumer, limit: number): Promise<Msg[]> {
    return jetstream.pull(stream, name, Math.min(limit, Math.max(1, pending)))
  }

  async function withConsumer<T>(
    topic: string,
    partition: number,
    from: { sequence: number } | { time: number },
    work: (consumer: PullConsumer) => Promise<T>
  ): Promise<T> {
    const consumer = await jetstream.consumer(nameOf(topic), subjectOf(topic, partition), from)
    try {
      return await work(consumer)
    } finally {
      jetstream.forget(nameOf(topic), consumer.name)
    }
  }
}

function prepare(envelope: Envelope, maxPayload: number) {
  const headers = newHeaders()
  const pairs = toPairs(envelope)
  pairs['Nats-Msg-Id'] = encodeURIComponent(envelope.id)
  let bytes = envelope.data.byteLength + 100
  for (const name in pairs) {
    const value = pairs[name]!
    headers.append(name, value)
    bytes += name.length + value.length + 4
  }
  if (bytes > maxPayload) throw new MessageTooLargeError(envelope.id, bytes, maxPayload)
  return { envelope, headers }
}

const positionOf = (sequence: number): string => String(Math.max(0, sequence)).padStart(16, '0')
const sequenceOf = (position: Position): number => (position === null ? 0 : Number(position))

/** `$JS.ACK.stream.consumer.delivered.sequence.nth.nanoseconds.pending` is where an acknowledgement would go. */
const replyOf = (message: Msg): string[] => message.reply!.split('.').slice(-5)
const sequenceIn = (message: Msg): number => Number(replyOf(message)[1])
/** Messages behind it for this consumer, when it was sent. */
const pendingIn = (message: Msg): number => Number(replyOf(message)[4])

function deliveryOf(partition: number, message: Msg): Delivery {
  const pairs: [string, string][] = []
  for (const [name, values] of message.headers ?? []) pairs.push([name, values[0] ?? ''])
  const { attributes, headers } = fromPairs(pairs)
  const [, sequence, , nanoseconds] = replyOf(message)
  return {
    envelope: {
      id: attributes.id ?? '',
      key: attributes.partitionkey ?? null,
      partition,
      attributes,
      headers,
      data: message.data
    },
    position: positionOf(Number(sequence)),
    publishedAt: Number(nanoseconds) / 1e6
  }
}
