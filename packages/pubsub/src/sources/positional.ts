import type { Broker, Delivery, OpenOptions, Place, Position, Source } from '../broker.ts'
import type { Envelope } from '../message/envelope.ts'
import { SharedReader } from './shared-reader.ts'

/** What an adapter of a broker with positions has to say: how to read a page. Sources are made of that. */
export interface PartitionLog {
  /** The next messages behind a position, in order, `limit` at most; none when there are none now. */
  read(topic: string, partition: number, after: Position, limit: number): Promise<Page>
  /** Calls `listener` when a partition of the topic may have news. A hint: it may be late or missing. */
  onNews(topic: string, listener: (partition: number) => void): () => void
  /** Time between looks when no news is heard of, in milliseconds. */
  readonly pollMs: number
}

/** Messages kept as they came, which is small: one is read when somebody looks into it. All in order. */
export interface Packed {
  readonly count: number
  /** What they take as they came, about. */
  readonly bytes: number
  readonly publishedAt: number
  positionOf(index: number): string
  envelopeAt(index: number): Envelope
}

export interface Page {
  readonly deliveries: readonly Delivery[]
  /** In place of deliveries. May begin with some that are not behind the position that was asked for. */
  readonly packed?: readonly Packed[]
  /** There is more behind these, as it seems, although they are fewer than were asked for. */
  readonly more?: boolean
  /** Something is there that cannot be given yet: look again after this time, in milliseconds. */
  readonly retryInMs?: number
}

export interface ReadStatistics {
  /** Pages asked of the broker, and messages in them. */
  pages: number
  messages: number
  /** Messages handed to groups. */
  given: number
}

/** Sources over a log, which share what they read: five groups at one place cost one read of the data. */
export function positionalBroker(
  log: PartitionLog,
  options: { windowBytes?: number } = {}
): Pick<Broker, 'open'> & { statistics(): ReadStatistics; closeReaders(): void } {
  const { windowBytes = 4_000_000 } = options
  const readers = new Map<string, SharedReader>()
  const statistics: ReadStatistics = { pages: 0, messages: 0, given: 0 }
  const readerOf = ({ topic, partition }: Place): SharedReader => {
    const name = `${topic}/${partition}`
    const reader = readers.get(name) ?? new SharedReader(log, topic, partition, windowBytes, statistics)
    readers.set(name, reader)
    return reader
  }
  return {
    statistics: () => ({ ...statistics }),
    closeReaders() {
      for (const reader of readers.values()) reader.close()
      readers.clear()
    },
    async open(place: Place, { after }: OpenOptions): Promise<Source> {
      const reader = readerOf(place)
      let position = after
      // Asked once, so that a broker that is away says so here.
      await reader.peek(position)
      return {
        async next(limit, signal) {
          const deliveries = await reader.next(position, limit, signal)
          statistics.given += deliveries.length
          position = deliveries.at(-1)?.position ?? position
          return deliveries
        },
        ack: async () => undefined,
        close: async () => undefined
      }
    }
  }
}
