import type { ConnectionOptions as TlsOptions } from 'node:tls'
import { fetchV17, listOffsetsV9, type MessageRecord, produceV11, type RecordsBatch } from '@platformatic/kafka'
import type { Broker, Delivery, Position } from '../broker.ts'
import type { Capabilities } from '../capabilities.ts'
import { NotConfirmedError } from '../errors.ts'
import { type Envelope, fromPairs, sizeOf, toPairs } from '../message/envelope.ts'
import { type PartitionLog, positionalBroker } from '../sources/positional.ts'
import { partsOf } from './deadline.ts'
import type { Address, Sasl } from './kafka-address.ts'
import { codesOf, KafkaCluster, offsetOutOfRange } from './kafka-cluster.ts'
import { KafkaNews, partitionFrom } from './kafka-news.ts'

export interface KafkaBrokerOptions {
  /** Of some brokers of a cluster of version 4.0 or newer: `host:port`, several with commas between. */
  url: string
  /** Before the name of each topic. Default `pubsub.`. */
  prefix?: string
  /** Of a topic that is made here, fixed from then on. Default 8. */
  partitions?: number
  /** Copies of a topic that is made here. Default -1: what the cluster says. */
  replicas?: number
  /** How long a topic that is made here keeps a message, in milliseconds. Default -1: for ever. */
  retentionMs?: number
  /** How long an answer may take, in milliseconds. Default 5,000. */
  timeoutMs?: number
  /** Time between looks when no news is heard of, in milliseconds. Default 250. */
  pollMs?: number
  tls?: TlsOptions
  sasl?: Sasl
  /** Where a broker is reached from here that says it is somewhere else, as behind a tunnel. Default: where it says. */
  route?: (address: Address) => Address
}

export const kafkaCapabilities: Capabilities = {
  name: 'Kafka',
  ordering: 'partition',
  groups: true,
  replay: true,
  history: true,
  lag: true,
  transactional: false,
  dedupeWindowMs: 0,
  maxBytes: 16_000_000,
  delay: false,
  priorities: false,
  deadLetters: false,
  confirmed: 'on all replicas in sync'
}

/**
 * A topic a topic, its partitions ours. Positions are kept in the consumer's database: no consumer group of Kafka is joined,
 * so there is no rebalance to hear of, and nothing that a member which lost its partition could commit.
 */
export async function kafkaBroker(options: KafkaBrokerOptions): Promise<Broker> {
  const { url, prefix = 'pubsub.', partitions = 8, replicas = -1, retentionMs = -1 } = options
  const { timeoutMs = 5_000, pollMs = 250, tls, sasl, route = address => address } = options
  const security = { ...(tls && { tls }), ...(sasl && { sasl }) }
  const cluster = new KafkaCluster({ bootstrap: addressesOf(url), timeoutMs, security, route })
  const settings = {
    'retention.ms': String(retentionMs),
    'max.message.bytes': '17000000',
    // One clock for a replay from a time: the broker's, not its publishers'.
    'message.timestamp.type': 'LogAppendTime'
  }
  await cluster.connect().catch(async error => {
    await cluster.close()
    throw error
  })
  const nameOf = (topic: string) => prefix + topic

  /** To the leader of a partition. What is refused may be another's by now: who leads is asked anew. */
  const leader = async <T>(topic: string, partition: number, ask: (node: number, topicId: string) => Promise<T>) => {
    const name = nameOf(topic)
    const { id, leaders } = await cluster.topic(name)
    try {
      return await ask(leaders[partition]!, id)
    } catch (error) {
      if (!codesOf(error).includes(offsetOutOfRange)) cluster.forget(name)
      throw error
    }
  }
  const offsetAt = (topic: string, partition: number, timestamp: bigint): Promise<bigint> =>
    leader(topic, partition, async node => {
      const asked = { partitionIndex: partition, currentLeaderEpoch: -1, timestamp }
      const connection = await cluster.node(node, 'read')
      const answer = await listOffsetsV9.api.async(connection, -1, 0, [{ name: nameOf(topic), partitions: [asked] }])
      return answer.topics[0]!.partitions[0]!.offset
    })
  const fetchFrom = async (
    topic: string,
    partition: number,
    offset: bigint,
    bytes: number
  ): Promise<RecordsBatch[]> => {
    try {
      return await leader(topic, partition, async (node, topicId) => {
        const topics = [{ topicId, partitions: [partitionFrom(partition, offset, bytes)] }]
        const connection = await cluster.node(node, 'read')
        const { responses } = await fetchV17.api.async(connection, 0, 0, bytes, 0, 0, -1, topics, [], '')
        return responses[0]?.partitions[0]?.records ?? []
      })
    } catch (error) {
      if (!codesOf(error).includes(offsetOutOfRange)) throw error
      // What was there is gone by its age: the first that is left. A place behind the end is another topic's.
      const first = await offsetAt(topic, partition, earliest)
      if (first <= offset) throw error
      return await fetchFrom(topic, partition, first, bytes)
    }
  }
  const read = async (topic: string, partition: number, after: Position, limit: number, bytes = 1_000_000) => {
    const offset = offsetBehind(after)
    const batches = await fetchFrom(topic, partition, offset, bytes)
    return batches.flatMap(batch => deliveriesOf(partition, batch, offset)).slice(0, limit)
  }

  const listeners = new Map<string, Set<(partition: number) => void>>()
  const news = new KafkaNews(cluster, (name, partition) => {
    for (const listener of listeners.get(name) ?? []) listener(partition)
  })
  const log: PartitionLog = {
    pollMs,
    async read(topic, partition, after, limit) {
      const deliveries = await read(topic, partition, after, limit)
      if (deliveries.length === 0) news.wait(nameOf(topic), partition, offsetBehind(after))
      return { deliveries }
    },
    onNews(topic, listener) {
      const name = nameOf(topic)
      const set = listeners.get(name) ?? new Set()
      listeners.set(name, set.add(listener))
      return () => void (set.delete(listener) && set.size === 0 && listeners.delete(name))
    }
  }
  const sources = positionalBroker(log)

  const send = async (topic: string, messages: readonly Envelope[]): Promise<Promise<unknown>[]> => {
    const name = nameOf(topic)
    const { leaders } = await cluster.topic(name)
    const byLeader = Map.groupBy(messages, ({ partition }) => leaders[partition]!)
    const lines = await Promise.all(
      [...byLeader].map(async ([node, own]) => ({ own, connection: await cluster.node(node, 'produce') }))
    )
    // Sent one behind the other on one connection to each: what is lost with it is lost from some place on.
    return lines.flatMap(({ own, connection }) =>
      [...partsOf(own, 1_000, 4_000_000, sizeOf)].map(part => {
        const records = part.map(message => recordOf(name, message))
        return produceV11.api.async(connection, -1, timeoutMs, records, {})
      })
    )
  }
  let turn: Promise<unknown> = Promise.resolve()

  return {
    capabilities: kafkaCapabilities,
    open: sources.open,
    topic: async topic => (await cluster.make(nameOf(topic), partitions, replicas, settings)).leaders.length,
    group: async () => undefined,
    async publish(topic, messages) {
      try {
        const sent = turn.then(() => send(topic, messages))
        turn = sent.catch(() => undefined)
        await sent.then(confirmations => Promise.all(confirmations))
      } catch (error) {
        cluster.forget(nameOf(topic))
        throw new NotConfirmedError('Kafka', error)
      }
    },
    async lag({ topic, partition }, after) {
      const [end, first] = await Promise.all([offsetAt(topic, partition, latest), read(topic, partition, after, 1, 1)])
      if (!first[0]) return { messages: 0, oldestAt: null }
      return { messages: Number(end - offsetBehind(first[0].position)) + 1, oldestAt: first[0].publishedAt }
    },
    ping: () => cluster.connect(),
    async seek(topic, partition, from) {
      if (from === 'start') return null
      const found = from === 'end' ? -1n : await offsetAt(topic, partition, BigInt(Math.ceil(from.time)))
      return positionBefore(found >= 0n ? found : await offsetAt(topic, partition, latest))
    },
    async close() {
      news.close()
      sources.closeReaders()
      await cluster.close()
    }
  }
}

/** In place of a timestamp. */
const latest = -1n
const earliest = -2n

const positionOf = (offset: bigint): string => String(offset).padStart(19, '0')
const positionBefore = (offset: bigint): Position => (offset <= 0n ? null : positionOf(offset - 1n))
const offsetBehind = (position: Position): bigint => (position === null ? 0n : BigInt(position) + 1n)

function addressesOf(url: string): Address[] {
  return url.split(',').map(each => {
    const { hostname, port } = new URL(each.includes('://') ? each : `kafka://${each}`)
    return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 9092) }
  })
}

function recordOf(topic: string, message: Envelope): MessageRecord {
  const { key, partition, data } = message
  const pairs = Object.entries(toPairs(message, cloudEvents)).map(([k, v]) => [Buffer.from(k), Buffer.from(v)] as const)
  return {
    topic,
    partition,
    ...(key !== null && { key: Buffer.from(key) }),
    value: Buffer.from(data.buffer, data.byteOffset, data.byteLength),
    headers: new Map(pairs)
  }
}

/** Before the name of each attribute, as the Kafka binding of CloudEvents says. */
const cloudEvents = 'ce_'
const control = 1 << 5
const logAppendTime = 1 << 3

/** A batch comes whole, also when the place that was asked for is in its middle. */
function deliveriesOf(partition: number, batch: RecordsBatch, from: bigint): Delivery[] {
  if (batch.attributes & control) return []
  const deliveries: Delivery[] = []
  for (const { offsetDelta, timestampDelta, headers, value } of batch.records) {
    const offset = batch.firstOffset + BigInt(offsetDelta)
    if (offset < from) continue
    const about = fromPairs(
      headers.map(([name, text]) => [String(name ?? ''), String(text ?? '')] as const),
      cloudEvents
    )
    const at = batch.attributes & logAppendTime ? batch.maxTimestamp : batch.firstTimestamp + timestampDelta
    const { id = '', partitionkey = null } = about.attributes
    deliveries.push({
      envelope: { id, key: partitionkey, partition, ...about, data: value ?? new Uint8Array() },
      position: positionOf(offset),
      publishedAt: Number(at)
    })
  }
  return deliveries
}
