import { Consumer, type Message, Producer } from '@platformatic/kafka'
import { attributesOf, type BareClient, bytesOf, Inflow, partitionOf, partitions } from './bare.ts'

const attributes = attributesOf('ce_')
const asBuffers = (pairs: Record<string, string>) =>
  new Map(Object.entries(pairs).map(([name, value]) => [Buffer.from(name), Buffer.from(value)]))

/** The producer and the consumer group of the client: acks of all replicas, an offset committed for each batch of a partition. */
export async function bareKafka(url: string): Promise<BareClient> {
  const producer = new Producer({ clientId: 'bench', bootstrapBrokers: [url] })
  const nameOf = (topic: string) => `pubsub.${topic}`

  return {
    publish: (topic, orders) =>
      producer.send({
        acks: -1,
        messages: orders.map(order => ({
          topic: nameOf(topic),
          partition: partitionOf(order),
          key: Buffer.from(order.key),
          value: bytesOf(order),
          headers: asBuffers(attributes(order).pairs)
        }))
      }),
    group: async () => undefined,
    async consume(topic, group, prefetch) {
      const name = nameOf(topic)
      const consumer = new Consumer({
        clientId: 'bench',
        groupId: `${topic}-${group}`,
        // Nobody waits for other members to come, as the older protocol of groups does.
        groupProtocol: 'consumer',
        bootstrapBrokers: [url],
        autocommit: false
      })
      const stream = await consumer.consume({ topics: [name], mode: 'earliest', autocommit: false, maxWaitTime: 100 })
      const inflows = Array.from({ length: partitions }, () => new Inflow())
      let here = 0
      stream.on('data', message => {
        if (++here >= prefetch * partitions) stream.pause()
        inflows[message.partition]!.push(takenOf(message))
      })
      const lanes = inflows.map((inflow, partition) => ({
        async next(limit: number) {
          const taken = await inflow.next(limit)
          here -= taken.length
          if (stream.isPaused()) stream.resume()
          return taken
        },
        ack(taken: readonly { receipt: unknown }[]) {
          const { offset, leaderEpoch } = taken.at(-1)!.receipt as Message
          return consumer.commit({ offsets: [{ topic: name, partition, offset: offset + 1n, leaderEpoch }] })
        }
      }))
      return {
        lanes,
        async close() {
          for (const inflow of inflows) inflow.end()
          await stream.close()
          await consumer.close(true)
        }
      }
    },
    close: async () => await producer.close(true)
  }
}

function takenOf(message: Message) {
  const headers: Record<string, string> = {}
  for (const [name, value] of message.headers) headers[String(name)] = String(value)
  return { id: headers.ce_id!, headers, data: JSON.parse(String(message.value)), receipt: message }
}
