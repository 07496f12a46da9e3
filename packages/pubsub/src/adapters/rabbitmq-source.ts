import type { AsyncMessage, Channel } from 'rabbitmq-client'
import type { Delivery, Source } from '../broker.ts'
import { fromPairs } from '../message/envelope.ts'
import { answeredWithin } from './deadline.ts'

/** Before the name of each attribute, as the AMQP binding of CloudEvents says. */
export const cloudEvents = 'cloudEvents:'

/** A consumer of one queue, on a channel of its own. */
export class RabbitSource implements Source {
  onClosed: () => void = () => undefined
  #channel: Channel
  #partition: number
  #waiting: Delivery[] = []
  #unacknowledged: Delivery[] = []
  #bell: PromiseWithResolvers<void> | undefined
  #closed = false

  constructor(channel: Channel, partition: number) {
    this.#channel = channel
    this.#partition = partition
    channel.on('close', () => this.#end())
    channel.on('basic.cancel', () => this.#end())
  }

  /** `credit`: messages that the server sends before one of them is acknowledged. */
  async start(queue: string, credit: number): Promise<void> {
    await this.#channel.basicQos({ prefetchCount: credit })
    await this.#channel.basicConsume({ queue }, message => this.#take(message))
  }

  get unacknowledged(): number {
    return this.#unacknowledged.length
  }

  get oldestAt(): number | null {
    return this.#unacknowledged[0]?.publishedAt ?? null
  }

  async next(limit: number, signal: AbortSignal): Promise<readonly Delivery[]> {
    while (!signal.aborted) {
      // What is still here is another's by now.
      if (this.#closed) throw new Error('the channel to RabbitMQ is closed')
      if (this.#waiting.length > 0) break
      const bell = Promise.withResolvers<void>()
      this.#bell = bell
      signal.addEventListener('abort', () => bell.resolve(), { once: true })
      await bell.promise
      // The client tells of one message at a time, with others that it has read behind it: they belong to the same page.
      await new Promise(resolve => setImmediate(resolve))
    }
    return this.#waiting.splice(0, limit)
  }

  async ack(deliveries: readonly Delivery[]): Promise<void> {
    const last = deliveries.at(-1)
    if (!last || this.#closed) return
    const through = this.#unacknowledged.indexOf(last)
    if (through < 0) return
    this.#unacknowledged.splice(0, through + 1)
    this.#channel.basicAck({ deliveryTag: last.receipt as number, multiple: true })
  }

  async close(): Promise<void> {
    this.#end()
    // A channel whose server is gone may never say that it is closed.
    await answeredWithin('RabbitMQ', 1_000, this.#channel.close()).catch(() => undefined)
  }

  #end(): void {
    this.#closed = true
    this.#waiting = []
    this.#unacknowledged = []
    this.#bell?.resolve()
    this.onClosed()
  }

  #take(message: AsyncMessage): void {
    if (this.#closed) return
    const pairs = Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)] as const)
    const { attributes, headers } = fromPairs(pairs, cloudEvents)
    const delivery: Delivery = {
      envelope: {
        id: attributes.id ?? '',
        key: attributes.partitionkey ?? null,
        partition: this.#partition,
        attributes,
        headers,
        data: message.body as Buffer
      },
      position: null,
      publishedAt: Date.parse(attributes.time ?? '') || Date.now(),
      receipt: message.deliveryTag
    }
    this.#waiting.push(delivery)
    this.#unacknowledged.push(delivery)
    this.#bell?.resolve()
  }
}
