import { connect, createInbox, type Msg, headers as newHeaders } from '@nats-io/transport-node'
import { attributesOf, type BareClient, bytesOf, Inflow, type Lane, partitionOf, partitions } from './bare.ts'

const attributes = attributesOf('ce-')
const ackAll = Buffer.from('+ACK')

/**
 * JetStream as its own library for this client does it: a request a message, whose answer is the confirmation, and a pull
 * consumer a subject. One acknowledgement stands for all before it, which costs the least that JetStream has.
 */
export async function bareNats(url: string): Promise<BareClient> {
  const connection = await connect({ servers: url })
  const ask = async (subject: string, body: unknown) => {
    const answer = (await connection.request(`$JS.API.${subject}`, JSON.stringify(body))).json<{ error?: object }>()
    if (answer.error) throw new Error(JSON.stringify(answer.error))
  }

  return {
    publish: (topic, orders) =>
      Promise.all(
        orders.map(async order => {
          const { id, pairs } = attributes(order)
          const headers = newHeaders()
          for (const name in pairs) headers.append(name, pairs[name]!)
          headers.append('Nats-Msg-Id', id)
          const subject = `pubsub.${topic}.${partitionOf(order)}`
          const answer = await connection.request(subject, bytesOf(order), { headers, timeout: 5_000 })
          const { error } = answer.json<{ error?: object }>()
          if (error) throw new Error(JSON.stringify(error))
        })
      ),
    group: async () => undefined,
    async consume(topic, group, prefetch) {
      const stream = `pubsub-${topic}`
      const ends: (() => void)[] = []
      const lane = async (partition: number): Promise<Lane> => {
        const consumer = `${group}-${partition}`
        await ask(`CONSUMER.DURABLE.CREATE.${stream}.${consumer}`, {
          stream_name: stream,
          config: {
            durable_name: consumer,
            deliver_policy: 'all',
            ack_policy: 'all',
            filter_subject: `pubsub.${topic}.${partition}`,
            max_ack_pending: 2 * prefetch
          }
        })
        const inflow = new Inflow()
        const inbox = createInbox()
        const subscription = connection.subscribe(inbox, {
          callback: (_error, message) => {
            if ((message.headers?.code ?? 0) > 0) return
            inflow.push(takenOf(message))
          }
        })
        ends.push(() => {
          subscription.unsubscribe()
          inflow.end()
        })
        const next = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`
        // Asked for and not taken yet. More is asked for when half of it is left, as the library does.
        let asked = 0
        const pull = () => {
          connection.publish(next, JSON.stringify({ batch: prefetch - asked }), { reply: inbox })
          asked = prefetch
        }
        pull()
        return {
          async next(limit) {
            const taken = await inflow.next(limit)
            asked -= taken.length
            if (asked <= prefetch / 2) pull()
            return taken
          },
          ack(taken) {
            connection.publish((taken.at(-1)!.receipt as Msg).reply!, ackAll)
            return undefined
          }
        }
      }
      const lanes = await Promise.all(Array.from({ length: partitions }, (_, partition) => lane(partition)))
      return {
        lanes,
        async close() {
          for (const end of ends) end()
        }
      }
    },
    close: () => connection.close()
  }
}

function takenOf(message: Msg) {
  const headers: Record<string, string> = {}
  for (const [name, values] of message.headers ?? []) headers[name] = values[0] ?? ''
  return { id: headers['ce-id']!, headers, data: message.json(), receipt: message }
}
