import { once } from 'node:events'
import { type ClientHttp2Stream, connect } from 'node:http2'
import {
  attributesOf,
  type BareClient,
  bytesOf,
  Inflow,
  type Order,
  partitionOf,
  partitions,
  type Taken
} from './bare.ts'
import { decode, encode, type Field, framed, unframed } from './protobuf.ts'

const attributes = attributesOf('ce-')

/**
 * Our adapter stands on the HTTP/2 of Node, so this side does too: a `Publish` for each topic in a batch, a `StreamingPull` for
 * each subscription, with nothing of an adapter around them. Google's own client does more and is not measured.
 */
export async function bareGcp(url: string): Promise<BareClient> {
  const session = connect(url, { settings: { initialWindowSize: 4_000_000 } })
  await once(session, 'connect')
  session.setLocalWindowSize(16_000_000)
  const begin = (method: string, see: (message: Buffer) => void): ClientHttp2Stream => {
    const stream = session.request({
      ':method': 'POST',
      ':path': `/google.pubsub.v1.${method}`,
      'content-type': 'application/grpc+proto',
      te: 'trailers'
    })
    stream.on('data', unframed(see))
    return stream
  }
  const call = (method: string, request: Buffer): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const stream = begin(method, () => undefined)
    stream.on('trailers', ({ 'grpc-status': status }) => {
      if (status === '0') resolve()
      else reject(new Error(`${method}: status ${status}`))
    })
    stream.on('response', ({ 'grpc-status': status }) => status && reject(new Error(`${method}: status ${status}`)))
    stream.on('error', reject)
    stream.end(framed(request))
    return promise
  }
  const topicOf = (topic: string, partition: number) => `projects/bench/topics/pubsub~${topic}~${partition}`
  const subscriptionOf = (topic: string, group: string, partition: number) =>
    `projects/bench/subscriptions/bare~${topic}~${group}~${partition}`

  return {
    publish(topic, orders) {
      const byPartition = Map.groupBy(orders, partitionOf)
      return Promise.all(
        [...byPartition].map(([partition, own]) =>
          call(
            'Publisher/Publish',
            encode([[1, topicOf(topic, partition)], ...own.map((order): Field => [2, messageOf(order)])])
          )
        )
      )
    },
    async group(topic, group) {
      for (let partition = 0; partition < partitions; partition++) {
        const subscription = subscriptionOf(topic, group, partition)
        await call(
          'Subscriber/CreateSubscription',
          encode([
            [1, subscription],
            [2, topicOf(topic, partition)],
            [5, 60],
            [10, 1]
          ])
        )
      }
    },
    async consume(topic, group, prefetch) {
      const streams: ClientHttp2Stream[] = []
      const lanes = Array.from({ length: partitions }, (_, partition) => {
        const inflow = new Inflow()
        const stream = begin('Subscriber/StreamingPull', response =>
          decode(response, (field, received) => field === 1 && inflow.push(takenOf(received)))
        )
        stream.on('error', () => undefined)
        stream.once('close', () => inflow.end())
        streams.push(stream)
        const asked = encode([
          [1, subscriptionOf(topic, group, partition)],
          [5, 60],
          [7, prefetch]
        ])
        stream.write(framed(asked))
        return {
          next: (limit: number) => inflow.next(limit),
          ack(taken: readonly Taken[]) {
            stream.write(framed(encode(taken.map(({ receipt }): Field => [2, receipt as string]))))
            return undefined
          }
        }
      })
      return {
        lanes,
        async close() {
          for (const stream of streams) stream.close()
        }
      }
    },
    close: async () => session.destroy()
  }
}

function messageOf(order: Order): Buffer {
  const { pairs } = attributes(order)
  const fields: Field[] = [[1, bytesOf(order)]]
  for (const name in pairs) {
    const pair = encode([
      [1, name],
      [2, pairs[name]!]
    ])
    fields.push([2, pair])
  }
  return encode([...fields, [5, order.key]])
}

function takenOf(received: Buffer): Taken {
  const headers: Record<string, string> = {}
  let data: unknown
  let receipt = ''
  decode(received, (field, value) => {
    if (field === 1) receipt = String(value)
    if (field !== 2) return
    decode(value, (part, bytes) => {
      if (part === 1) data = JSON.parse(String(bytes))
      if (part !== 2) return
      const pair: string[] = []
      decode(bytes, (which, text) => {
        pair[which] = String(text)
      })
      headers[pair[1]!] = pair[2] ?? ''
    })
  })
  return { id: headers['ce-id']!, headers, data, receipt }
}
