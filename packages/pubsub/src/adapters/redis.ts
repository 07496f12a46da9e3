import { createClient, RESP_TYPES } from 'redis'
import type { Broker, Delivery, Position } from '../broker.ts'
import type { Capabilities } from '../capabilities.ts'
import { NotConfirmedError } from '../errors.ts'
import { type Envelope, sizeOf } from '../message/envelope.ts'
import { type PartitionLog, positionalBroker } from '../sources/positional.ts'
import { answeredWithin, partsOf } from './deadline.ts'

export interface RedisBrokerOptions {
  /** Of a server of version 6.2 or newer, `redis://…`. */
  url: string
  /** Before each key. Default `pubsub:`. */
  prefix?: string
  /** Of a topic that is made here, fixed from then on. Default 8. */
  partitions?: number
  /** How long a repeated id is dropped, in milliseconds. Default 120,000. */
  dedupeWindowMs?: number
  /** How long an answer may take, in milliseconds. Default 5,000. */
  timeoutMs?: number
  /** Time between looks when no news is heard of, in milliseconds. Default 250. */
  pollMs?: number
}

export const redisCapabilities: Capabilities = {
  name: 'Redis Streams',
  ordering: 'partition',
  groups: true,
  replay: true,
  history: true,
  lag: true,
  transactional: false,
  dedupeWindowMs: 120_000,
  maxBytes: 16_000_000,
  delay: false,
  priorities: false,
  deadLetters: false,
  confirmed: 'synced, with appendfsync always'
}

export interface RedisBroker extends Broker {
  /**
   * Removes messages of a topic that were published before a moment (milliseconds since 1970). A group that has not reached
   * them never will.
   */
  trim(topic: string, options: { before: number }): Promise<number>
}

// One step for all others: the ids are looked up, the numbers are given and the messages are there, or none of it. The number
// counts the messages of a partition, which tells a group's lag without counting them.
const publishScript = `local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - tonumber(ARGV[1]))
local fresh = {}
for i = 4, #ARGV, 4 do
  if redis.call('ZADD', KEYS[3], 'NX', now, ARGV[i]) == 1 then fresh[#fresh + 1] = i end
end
if #fresh == 0 then return 0 end
local n = redis.call('INCRBY', KEYS[2], #fresh) - #fresh
for j, i in ipairs(fresh) do
  redis.call('XADD', KEYS[1], '*', 'n', n + j, 'i', ARGV[i], 'k', ARGV[i + 1], 'a', ARGV[i + 2], 'd', ARGV[i + 3])
end
redis.call('PUBLISH', ARGV[2], ARGV[3])
return #fresh`

type Entry = [id: Buffer, fields: Buffer[]]

/**
 * Streams, one a partition. Positions are kept in the consumer's database, so consumer groups, pending lists and claims of
 * Redis are not used: a consumer that died leaves nothing to claim.
 */
export async function redisBroker(options: RedisBrokerOptions): Promise<RedisBroker> {
  const { url, prefix = 'pubsub:', partitions = 8, dedupeWindowMs = 120_000, timeoutMs = 5_000, pollMs = 250 } = options
  // Nothing is kept back while the server is away: whoever asks is told, and asks again.
  const reconnectStrategy = (tries: number) => Math.min(50 * 2 ** tries, 1_000)
  const client = createClient({
    url,
    disableOfflineQueue: true,
    socket: { reconnectStrategy, connectTimeout: timeoutMs }
  })
  const news = createClient({ url, socket: { reconnectStrategy, connectTimeout: timeoutMs } })
  for (const each of [client, news]) each.on('error', () => undefined)
  try {
    await answeredWithin('Redis', timeoutMs, client.connect())
    await answeredWithin('Redis', timeoutMs, news.connect())
  } catch (error) {
    // They would go on trying for ever, and whoever tries again has others.
    for (const each of [client, news]) if (each.isOpen) each.destroy()
    throw error
  }
  const bytes = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
  const ask = <T>(...args: (string | Buffer)[]) =>
    answeredWithin('Redis', timeoutMs, bytes.sendCommand(args) as Promise<unknown>) as Promise<T>

  const streamOf = (topic: string, partition: number) => `${prefix}{${topic}/${partition}}`
  const range = (topic: string, partition: number, after: Position, limit: number) =>
    ask<Entry[]>(
      'XRANGE',
      streamOf(topic, partition),
      after === null ? '-' : `(${idOf(after)}`,
      '+',
      'COUNT',
      String(limit)
    )

  const topics = new Map<string, number>()
  const topicOf = async (topic: string): Promise<number> => {
    const known = topics.get(topic)
    if (known !== undefined) return known
    await ask('HSETNX', `${prefix}topics`, topic, String(partitions))
    const made = Number(await ask<Buffer>('HGET', `${prefix}topics`, topic))
    topics.set(topic, made)
    return made
  }

  const listeners = new Map<string, Set<(partition: number) => void>>()
  const log: PartitionLog = {
    pollMs,
    async read(topic, partition, after, limit) {
      const entries = await range(topic, partition, after, limit)
      return { deliveries: entries.map(entry => deliveryOf(partition, entry)) }
    },
    onNews(topic, listener) {
      const channel = `${prefix}news:${topic}`
      const known = listeners.get(topic)
      const set = known ?? new Set()
      listeners.set(topic, set.add(listener))
      // Not subscribed is not lost: it is looked for now and then anyway.
      if (!known) {
        void news
          .subscribe(channel, told => {
            for (const each of set) each(Number(told))
          })
          .catch(() => undefined)
      }
      return () => void set.delete(listener)
    }
  }
  const sources = positionalBroker(log)

  const publishPart = async (topic: string, partition: number, messages: readonly Envelope[]) => {
    const stream = streamOf(topic, partition)
    const keys = [stream, `${stream}:n`, `${stream}:ids`]
    const args: (string | Buffer)[] = [String(dedupeWindowMs), `${prefix}news:${topic}`, String(partition)]
    for (const { id, key, attributes, headers, data } of messages) {
      const buffer = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
      args.push(id, key ?? '', JSON.stringify([attributes, headers]), buffer)
    }
    await ask('EVAL', publishScript, '3', ...keys, ...args)
  }

  return {
    capabilities: { ...redisCapabilities, dedupeWindowMs },
    open: sources.open,
    topic: topicOf,
    group: async () => undefined,
    async publish(topic, messages) {
      try {
        // All of them are sent before the next publish can be: the connection keeps the order.
        const sent: Promise<void>[] = []
        for (const [partition, own] of byPartition(messages)) {
          for (const part of partsOf(own, 1_000, 4_000_000, sizeOf)) sent.push(publishPart(topic, partition, part))
        }
        await Promise.all(sent)
      } catch (error) {
        throw new NotConfirmedError('Redis', error)
      }
    },
    async lag({ topic, partition }, after) {
      const [entries, last] = await Promise.all([
        range(topic, partition, after, 1),
        ask<Buffer | null>('GET', `${streamOf(topic, partition)}:n`)
      ])
      if (!entries[0]) return { messages: 0, oldestAt: null }
      const first = deliveryOf(partition, entries[0])
      return { messages: Number(last) - numberIn(first.position!) + 1, oldestAt: first.publishedAt }
    },
    async seek(topic, partition, from) {
      if (from === 'start') return null
      const end = from === 'end' ? '+' : `(${Math.ceil(from.time)}-0`
      const entries = await ask<Entry[]>('XREVRANGE', streamOf(topic, partition), end, '-', 'COUNT', '1')
      return entries[0] ? deliveryOf(partition, entries[0]).position : null
    },
    async ping() {
      await ask('PING')
    },
    async trim(topic, { before }) {
      let trimmed = 0
      for (let partition = 0; partition < (await topicOf(topic)); partition++) {
        trimmed += Number(await ask('XTRIM', streamOf(topic, partition), 'MINID', `${Math.ceil(before)}-0`))
      }
      return trimmed
    },
    async close() {
      sources.closeReaders()
      client.destroy()
      news.destroy()
    }
  }
}

function byPartition(messages: readonly Envelope[]): Map<number, Envelope[]> {
  const parts = new Map<number, Envelope[]>()
  for (const message of messages) {
    const own = parts.get(message.partition)
    if (own) own.push(message)
    else parts.set(message.partition, [message])
  }
  return parts
}

/** `ms-seq.n`, padded so that it sorts as the stream does. */
function deliveryOf(partition: number, [entryId, fields]: Entry): Delivery {
  const [ms = '0', sequence = '0'] = entryId.toString().split('-')
  const [, n, , id, , key, , about, , data] = fields
  const [attributes, headers] = JSON.parse(about!.toString()) as [Record<string, string>, Record<string, string>]
  return {
    envelope: {
      id: id!.toString(),
      key: key!.length === 0 ? null : key!.toString(),
      partition,
      attributes,
      headers,
      data: data!
    },
    position: `${ms.padStart(15, '0')}-${sequence.padStart(10, '0')}.${n!.toString().padStart(16, '0')}`,
    publishedAt: Number(ms)
  }
}

function idOf(position: string): string {
  const [, ms, sequence] = /^(\d+)-(\d+)\./.exec(position)!
  return `${Number(ms)}-${Number(sequence)}`
}

const numberIn = (position: string) => Number(position.slice(position.indexOf('.') + 1))
