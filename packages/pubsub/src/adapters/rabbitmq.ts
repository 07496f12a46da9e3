import { setTimeout as pass } from 'node:timers/promises'
import { type Channel, Connection } from 'rabbitmq-client'
import type { Broker, Place } from '../broker.ts'
import type { Capabilities } from '../capabilities.ts'
import { NotConfirmedError, UnsupportedError } from '../errors.ts'
import { type Envelope, toPairs } from '../message/envelope.ts'
import { answeredWithin } from './deadline.ts'
import { Loss } from './loss.ts'
import { cloudEvents, RabbitSource } from './rabbitmq-source.ts'

export interface RabbitBrokerOptions {
  /** Of a server of version 3.10 or newer, `amqp://…`. */
  url: string
  /** Before the name of each exchange and queue. Default `pubsub`. */
  prefix?: string
  /** Of a topic, fixed from then on: all who use it must say the same. Default 8. */
  partitions?: number
  /**
   * Messages of a partition that may wait in this process, whatever `prefetch` a subscription has; fixed for a topic, like its
   * partitions. Default 200.
   */
  credit?: number
  /**
   * How long a new group waits before it is taken for made, in milliseconds. A server keeps the name of a new quorum queue in
   * memory for up to 3 s; killed in that time it forgets the queue. Default 3,500; 0 where the server has others beside it.
   */
  settleMs?: number
  /** How long an answer may take, in milliseconds. Default 5,000. */
  timeoutMs?: number
}

export const rabbitCapabilities: Capabilities = {
  name: 'RabbitMQ',
  ordering: 'partition',
  groups: true,
  replay: false,
  history: false,
  lag: true,
  transactional: false,
  dedupeWindowMs: 0,
  maxBytes: 16_000_000,
  delay: false,
  priorities: false,
  deadLetters: true,
  confirmed: 'on the disks of a majority'
}

/**
 * An exchange a topic, a quorum queue for each partition of each group. There are no positions: what was acknowledged is gone,
 * and what was not comes again. It comes before all others, but behind what came back earlier: so every consumer takes as many
 * as any before it can have left, and one consumer of a queue is active at a time. No delivery limit is set: the limit is ours.
 */
export async function rabbitBroker(options: RabbitBrokerOptions): Promise<Broker> {
  const { url, prefix = 'pubsub', partitions = 8, credit = 200, settleMs = 3_500, timeoutMs = 5_000 } = options
  const answered = <T>(call: Promise<T>) => answeredWithin('RabbitMQ', timeoutMs, call)
  // A server that has too much holds up those who publish: acknowledgements go another way.
  const [publishing, consuming] = [1, 2].map(() => lineTo(url, timeoutMs)) as [Connection, Connection]

  /** Rejects at once while the server is away: who asks waits and asks again. */
  const acquire = async (connection: Connection): Promise<Channel> => {
    if (!connection.ready) throw new Error('RabbitMQ is away, or takes nothing')
    const channel = await answered(connection.acquire())
    channel.on('error', () => undefined)
    return channel
  }
  const withChannel = async <T>(work: (channel: Channel) => Promise<T>): Promise<T> => {
    const channel = await acquire(consuming)
    try {
      return await answered(work(channel))
    } finally {
      void channel.close().catch(() => undefined)
    }
  }
  const closeAll = async () => {
    const lines = [publishing, consuming]
    await Promise.all(
      lines.map(line => answeredWithin('RabbitMQ', 1_000, line.close()).catch(() => line.unsafeDestroy()))
    )
  }
  try {
    await Promise.all([publishing, consuming].map(line => line.onConnect(timeoutMs)))
  } catch (error) {
    await closeAll()
    throw error
  }

  const exchangeOf = (topic: string) => `${prefix}/${topic}`
  const queueOf = ({ topic, group, partition }: Place) => `${prefix}/${topic}/${group}/${partition}`
  const topics = new Set<string>()
  const topicOf = async (topic: string): Promise<number> => {
    if (topics.has(topic)) return partitions
    await withChannel(async channel => {
      // An empty queue that only keeps the numbers: a server compares what a queue was made with, and refuses another.
      const numbers = { 'x-max-length': partitions, 'x-max-length-bytes': credit }
      await channel.queueDeclare({ queue: `${prefix}/${topic}`, durable: true, arguments: numbers }).catch(error => {
        if (error?.code !== 'PRECONDITION_FAILED') throw error
        throw new UnsupportedError(
          `topic "${topic}" was made with other partitions than ${partitions}, or another credit than ${credit}`
        )
      })
      await channel.exchangeDeclare({ exchange: exchangeOf(topic), type: 'direct', durable: true })
    })
    topics.add(topic)
    return partitions
  }
  const isThere = (queue: string) =>
    withChannel(channel => channel.queueDeclare({ queue, passive: true })).then(
      () => true,
      error => {
        if (error?.code === 'NOT_FOUND') return false
        throw error
      }
    )
  const makeQueue = (place: Place) =>
    withChannel(async channel => {
      const queue = queueOf(place)
      const settings = { 'x-queue-type': 'quorum' as const, 'x-single-active-consumer': true }
      await channel.queueDeclare({ queue, durable: true, arguments: settings })
      await channel.queueBind({ queue, exchange: exchangeOf(place.topic), routingKey: String(place.partition) })
    })

  let confirming: { channel: Channel; loss: Loss } | undefined
  const send = async (topic: string, messages: readonly Envelope[]): Promise<{ confirmed: Promise<unknown> }> => {
    if (!confirming?.channel.active) {
      const channel = await acquire(publishing)
      await answered(channel.confirmSelect())
      confirming = { channel, loss: lossOf(channel) }
    }
    const { channel, loss } = confirming
    const exchange = exchangeOf(topic)
    // Sent one behind the other on one channel: what is lost with it is lost from some place on.
    const confirmations = messages.map(message => channel.basicPublish(...sendable(exchange, message)))
    return { confirmed: loss.orLost(Promise.all(confirmations)) }
  }
  /** One call behind the other, so that two cannot mix while a channel is made. */
  let turn: Promise<unknown> = Promise.resolve()

  /** Messages that are in this process and not acknowledged, by queue: the server does not count them as waiting. */
  const held = new Map<string, Set<RabbitSource>>()

  return {
    capabilities: rabbitCapabilities,
    topic: topicOf,
    async group(topic, group) {
      await topicOf(topic)
      const places = Array.from({ length: partitions }, (_, partition) => ({ topic, group, partition }))
      // Made last: where it is, the others were before.
      const [last, ...others] = places as [Place, ...Place[]]
      const isNew = !(await isThere(queueOf(last)))
      await Promise.all(others.map(makeQueue))
      await makeQueue(last)
      if (isNew) await pass(settleMs)
    },
    async publish(topic, messages) {
      try {
        await topicOf(topic)
        const sent = turn.then(() => send(topic, messages))
        turn = sent.catch(() => undefined)
        await answered(sent.then(({ confirmed }) => confirmed))
      } catch (error) {
        if (error instanceof UnsupportedError) throw error
        throw new NotConfirmedError('RabbitMQ', error)
      }
    },
    async open(place) {
      const queue = queueOf(place)
      const source = new RabbitSource(await acquire(consuming), place.partition)
      try {
        await answered(source.start(queue, credit))
      } catch (error) {
        await source.close()
        throw error
      }
      const sources = held.get(queue) ?? new Set()
      held.set(queue, sources.add(source))
      source.onClosed = () => void (sources.delete(source) && sources.size === 0 && held.delete(queue))
      return source
    },
    async lag(place) {
      const queue = queueOf(place)
      const { messageCount } = await withChannel(channel => channel.queueDeclare({ queue, passive: true }))
      const sources = [...(held.get(queue) ?? [])]
      const inHand = sources.reduce((sum, source) => sum + source.unacknowledged, 0)
      const oldest = sources.flatMap(source => source.oldestAt ?? [])
      return { messages: messageCount + inHand, oldestAt: oldest.length > 0 ? Math.min(...oldest) : null }
    },
    ping: () => withChannel(async () => undefined),
    close: closeAll
  }
}

function lineTo(url: string, timeoutMs: number): Connection {
  const line = new Connection({
    url,
    acquireTimeout: timeoutMs,
    connectionTimeout: timeoutMs,
    heartbeat: 10,
    retryLow: 50,
    retryHigh: 500
  })
  line.on('error', () => undefined)
  return line
}

/** When the channel closes the client forgets a confirmation that it began to wait for in that very moment. */
function lossOf(channel: Channel): Loss {
  const loss = new Loss()
  const lose = () => loss.lose(new Error('the channel was closed'))
  channel.once('close', lose)
  if (!channel.active) lose()
  return loss
}

function sendable(exchange: string, message: Envelope) {
  const { data } = message
  const properties = {
    exchange,
    routingKey: String(message.partition),
    durable: true,
    messageId: encodeURIComponent(message.id).slice(0, 255),
    headers: toPairs(message, cloudEvents)
  }
  return [properties, Buffer.from(data.buffer, data.byteOffset, data.byteLength)] as const
}
