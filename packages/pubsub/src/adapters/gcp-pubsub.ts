import type { Broker, Place } from '../broker.ts'
import type { Capabilities } from '../capabilities.ts'
import { InvalidMessageError, NotConfirmedError } from '../errors.ts'
import { GrpcError, GrpcLine } from './gcp-grpc.ts'
import { encodeMessage, pairIn } from './gcp-messages.ts'
import { decode, encode, type Field } from './gcp-protobuf.ts'
import { GcpPublisher } from './gcp-publisher.ts'
import { GcpSource } from './gcp-source.ts'

export interface GcpBrokerOptions {
  /** Of Google Cloud. */
  project: string
  /** Default `https://pubsub.googleapis.com`; `http://…` of a fake. */
  url?: string
  /** An access token that is good now, such as `() => auth.getAccessToken()` of `google-auth-library`. None for a fake. */
  token?: () => Promise<string>
  /** Before the name of each topic and subscription. Letters and digits. Default `pubsub`. */
  prefix?: string
  /** Of a topic that is made here, fixed from then on. Default 8. */
  partitions?: number
  /** How long the messages of a process that died wait for another, in seconds: 10 to 600. Default 10. */
  ackDeadlineSeconds?: number
  /** How long an answer may take, in milliseconds. Default 5,000. */
  timeoutMs?: number
}

export const gcpCapabilities: Capabilities = {
  name: 'GCP Pub/Sub',
  ordering: 'partition',
  groups: true,
  replay: false,
  history: false,
  lag: false,
  transactional: false,
  dedupeWindowMs: 0,
  // The service takes 10 MB a request.
  maxBytes: 9_000_000,
  delay: false,
  priorities: false,
  deadLetters: true,
  confirmed: 'kept by the service'
}

const alreadyExists = 6

/**
 * A topic of the service for each partition of a topic, a subscription for each partition of each group, with the key as ordering
 * key. There are no positions: what was acknowledged is gone, and what was not comes again, with what is behind it of its key.
 */
export async function gcpBroker(options: GcpBrokerOptions): Promise<Broker> {
  const { project, url = 'https://pubsub.googleapis.com', token, prefix = 'pubsub', partitions = 8 } = options
  const { ackDeadlineSeconds = 10, timeoutMs = 5_000 } = options
  const line = new GrpcLine({ url, token, timeoutMs })
  const ask = (method: string, fields: readonly Field[]) => line.call(`google.pubsub.v1.${method}`, encode(fields))
  /** Resolves with what it is now, whoever made it. */
  const made = (method: string, fields: readonly Field[]): Promise<Buffer | undefined> =>
    ask(method, fields).catch(error => {
      if (error instanceof GrpcError && error.status === alreadyExists) return undefined
      throw error
    })

  // No name of ours has a tilde in it.
  const topicName = (topic: string, partition: number) => `projects/${project}/topics/${prefix}~${topic}~${partition}`
  const subscriptionName = ({ topic, group, partition }: Place) =>
    `projects/${project}/subscriptions/${prefix}~${topic}~${group}~${partition}`

  const topics = new Map<string, number>()
  const topicOf = async (topic: string): Promise<number> => {
    const known = topics.get(topic)
    if (known !== undefined) return known
    const first = topicName(topic, 0)
    // The first says how many there are: it is made first, and by one.
    const label = encode([
      [1, 'partitions'],
      [2, String(partitions)]
    ])
    const own = await made('Publisher/CreateTopic', [
      [1, first],
      [2, label]
    ])
    const count = partitionsIn(own ?? (await ask('Publisher/GetTopic', [[1, first]])))
    const rest = Array.from({ length: count - 1 }, (_, i) => topicName(topic, i + 1))
    await Promise.all(rest.map(name => made('Publisher/CreateTopic', [[1, name]])))
    topics.set(topic, count)
    return count
  }
  const makeSubscription = (place: Place) =>
    made('Subscriber/CreateSubscription', [
      [1, subscriptionName(place)],
      [2, topicName(place.topic, place.partition)],
      [5, ackDeadlineSeconds],
      [10, 1],
      // Never: else it goes after 31 days without a subscriber.
      [11, new Uint8Array()]
    ])

  const publisher = new GcpPublisher(line)
  /** What is in this process and not acknowledged, by subscription. */
  const held = new Map<string, Set<GcpSource>>()

  return {
    capabilities: gcpCapabilities,
    topic: topicOf,
    async group(topic, group) {
      const count = await topicOf(topic)
      const places = Array.from({ length: count }, (_, partition) => ({ topic, group, partition }))
      await Promise.all(places.map(makeSubscription))
    },
    async publish(topic, messages) {
      const encoded = messages.map(message => ({ partition: message.partition, bytes: encodeMessage(message) }))
      try {
        await topicOf(topic)
        await Promise.all(encoded.map(({ partition, bytes }) => publisher.publish(topicName(topic, partition), bytes)))
      } catch (error) {
        if (error instanceof InvalidMessageError) throw error
        throw new NotConfirmedError('Pub/Sub', error)
      }
    },
    async open(place, { prefetch }) {
      const name = subscriptionName(place)
      const source = new GcpSource(line, name, ackDeadlineSeconds)
      await source.start(place.partition, prefetch)
      const sources = held.get(name) ?? new Set()
      held.set(name, sources.add(source))
      source.onClosed = () => void (sources.delete(source) && sources.size === 0 && held.delete(name))
      return source
    },
    async lag(place) {
      const mine = [...(held.get(subscriptionName(place)) ?? [])].flatMap(source => [...source.unacknowledged])
      const oldestAt = mine.length === 0 ? null : Math.min(...mine.map(({ publishedAt }) => publishedAt))
      return { messages: mine.length, oldestAt }
    },
    async close() {
      line.close()
    }
  }
}

/** The label of a `Topic`. */
function partitionsIn(topic: Buffer): number {
  for (const [number, value] of decode(topic)) {
    if (number !== 2) continue
    const [name, text] = pairIn(value as Buffer)
    if (name === 'partitions') return Number(text)
  }
  throw new Error('this topic of Pub/Sub was not made by us: it does not say how many partitions there are')
}
