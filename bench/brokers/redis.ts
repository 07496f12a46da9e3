import { createClient, RESP_TYPES } from 'redis'
import { attributesOf, type BareClient, bytesOf, type Lane, partitionOf, partitions, type Taken } from './bare.ts'

const attributes = attributesOf('')

/** A consumer group of Redis: XADD, XREADGROUP, XACK. The client sends what is asked in one turn as one pipeline. */
export async function bareRedis(url: string): Promise<BareClient> {
  const client = await createClient({ url }).connect()
  const bytes = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
  const streamOf = (topic: string, partition: number) => `pubsub:{${topic}/${partition}}`
  const each = <T>(work: (partition: number) => T) => Array.from({ length: partitions }, (_, i) => work(i))

  function lane(topic: string, group: string, partition: number, prefetch: number, end: AbortSignal): Lane {
    const stream = streamOf(topic, partition)
    let page: Taken[] = []
    return {
      async next(limit) {
        while (page.length === 0 && !end.aborted) {
          const asked = ['XREADGROUP', 'GROUP', group, 'bench', 'COUNT', String(prefetch), 'STREAMS', stream, '>']
          const answer = (await bytes.sendCommand(asked)) as unknown as Record<string, [Buffer, Buffer[]][]> | null
          if (answer) page = Object.values(answer)[0]!.map(takenOf)
          else await new Promise(resolve => setTimeout(resolve, 5))
        }
        return page.splice(0, limit)
      },
      ack: taken => client.sendCommand(['XACK', stream, group, ...taken.map(({ receipt }) => receipt as string)])
    }
  }

  return {
    publish: (topic, orders) =>
      Promise.all(
        orders.map(order => {
          const { id, pairs } = attributes(order)
          const fields = ['i', id, 'k', order.key, 'a', JSON.stringify([pairs, {}]), 'd', bytesOf(order)]
          return client.sendCommand(['XADD', streamOf(topic, partitionOf(order)), '*', ...fields])
        })
      ),
    group: (topic, group) =>
      Promise.all(
        each(partition => client.sendCommand(['XGROUP', 'CREATE', streamOf(topic, partition), group, '0', 'MKSTREAM']))
      ),
    async consume(topic, group, prefetch) {
      const end = new AbortController()
      return {
        lanes: each(partition => lane(topic, group, partition, prefetch, end.signal)),
        close: async () => end.abort()
      }
    },
    close: async () => client.destroy()
  }
}

function takenOf([entry, fields]: [Buffer, Buffer[]]): Taken {
  // `i`, `k`, `a`, `d`, each before its value; our side has a number before them.
  const [, id, , , , about, , data] = fields.slice(-8)
  return {
    id: String(id),
    headers: JSON.parse(String(about))[0],
    data: JSON.parse(String(data)),
    receipt: String(entry)
  }
}
