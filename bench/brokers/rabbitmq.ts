import { type AsyncMessage, type Channel, Connection } from 'rabbitmq-client'
import { attributesOf, type BareClient, bytesOf, Inflow, type Lane, partitionOf, partitions } from './bare.ts'

const attributes = attributesOf('cloudEvents:')

/** Publisher confirms on one channel, a quorum queue with one active consumer for each partition, `multiple` acknowledgements. */
export async function bareRabbit(url: string): Promise<BareClient> {
  const [publishing, consuming] = [new Connection(url), new Connection(url)]
  for (const connection of [publishing, consuming]) connection.on('error', () => undefined)
  const [channel, declaring] = await Promise.all([publishing.acquire(), consuming.acquire()])
  await channel.confirmSelect()
  const exchangeOf = (topic: string) => `pubsub/${topic}`
  const queueOf = (topic: string, group: string, partition: number) => `bare/${topic}/${group}/${partition}`

  async function lane(own: Channel, queue: string, prefetch: number): Promise<Lane> {
    const inflow = new Inflow()
    own.once('close', () => inflow.end())
    await own.basicQos({ prefetchCount: prefetch })
    await own.basicConsume({ queue }, message => inflow.push(takenOf(message)))
    return {
      next: limit => inflow.next(limit),
      ack(taken) {
        own.basicAck({ deliveryTag: taken.at(-1)!.receipt as number, multiple: true })
        return undefined
      }
    }
  }

  return {
    publish: (topic, orders) =>
      Promise.all(
        orders.map(order => {
          const { id, pairs } = attributes(order)
          const envelope = {
            exchange: exchangeOf(topic),
            routingKey: String(partitionOf(order)),
            durable: true,
            messageId: id,
            headers: pairs
          }
          return channel.basicPublish(envelope, bytesOf(order))
        })
      ),
    async group(topic, group) {
      for (let partition = 0; partition < partitions; partition++) {
        const queue = queueOf(topic, group, partition)
        const settings = { 'x-queue-type': 'quorum' as const, 'x-single-active-consumer': true }
        await declaring.queueDeclare({ queue, durable: true, arguments: settings })
        await declaring.queueBind({ queue, exchange: exchangeOf(topic), routingKey: String(partition) })
      }
    },
    async consume(topic, group, prefetch) {
      const channels = await Promise.all(Array.from({ length: partitions }, () => consuming.acquire()))
      const lanes = channels.map((own, partition) => lane(own, queueOf(topic, group, partition), prefetch))
      return {
        lanes: await Promise.all(lanes),
        close: () => Promise.all(channels.map(own => own.close()))
      }
    },
    async close() {
      // A connection waits until its last channel is closed.
      await Promise.all([channel.close(), declaring.close()])
      await Promise.all([publishing.close(), consuming.close()])
    }
  }
}

function takenOf(message: AsyncMessage) {
  const headers = message.headers as Record<string, string>
  return {
    id: headers['cloudEvents:id']!,
    headers,
    data: JSON.parse(String(message.body)),
    receipt: message.deliveryTag
  }
}
