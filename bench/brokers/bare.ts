import { randomUUIDv7 } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** What both sides are asked to publish: the id, the time and the attributes are each side's own to make. */
export interface Order {
  readonly key: string
  readonly data: unknown
}

/** What a handler on the bare side is given: as much as ours gets, decoded as far. */
export interface Taken {
  readonly id: string
  readonly headers: Readonly<Record<string, string>>
  readonly data: unknown
  /** The client's own, for the acknowledgement. */
  readonly receipt: unknown
}

/** One reader of one partition. */
export interface Lane {
  /** The next messages, `limit` at most; waits for the first. None when it was closed. */
  next(limit: number): Promise<readonly Taken[]>
  /** Acknowledges them as the client's own documents say for a batch. */
  ack(taken: readonly Taken[]): Promise<unknown> | undefined
}

/** The client that our adapter uses, used directly, on the topics that our adapter has made. */
export interface BareClient {
  /** Resolves when the broker has confirmed each of them. */
  publish(topic: string, orders: readonly Order[]): Promise<unknown>
  /** Makes what a group needs, before anything is published that it is to get. */
  group(topic: string, group: string): Promise<unknown>
  /** A reader for each partition, with so many messages in this process at most for each. */
  consume(topic: string, group: string, prefetch: number): Promise<{ lanes: Lane[]; close(): Promise<unknown> }>
  close(): Promise<unknown>
}

export const partitions = 8

/** Of a message, under the names that the broker's binding of CloudEvents gives them: the very ones that our side sends. */
export function attributesOf(prefix: string): (order: Order) => { id: string; pairs: Record<string, string> } {
  const names = ['specversion', 'id', 'source', 'type', 'time', 'datacontenttype', 'correlationid', 'partitionkey']
  const [specversion, id, source, type, time, datacontenttype, correlationid, partitionkey] = names.map(
    name => prefix + name
  ) as [string, string, string, string, string, string, string, string]
  return ({ key }) => {
    const made = randomUUIDv7()
    const pairs = {
      [specversion]: '1.0',
      [id]: made,
      [source]: '/bench',
      [type]: 'order.placed',
      [time]: new Date().toISOString(),
      [datacontenttype]: 'application/json',
      [correlationid]: made,
      [partitionkey]: key
    }
    return { id: made, pairs }
  }
}

export const partitionOf = ({ key }: Order): number => crc32(key) % partitions

export const bytesOf = ({ data }: Order): Buffer => Buffer.from(JSON.stringify(data))

/** Messages that a server pushes, kept until somebody asks for them. */
export class Inflow {
  #waiting: Taken[] = []
  #bell: (() => void) | undefined
  #ended = false

  push(taken: Taken): void {
    this.#waiting.push(taken)
    this.#bell?.()
  }

  end(): void {
    this.#ended = true
    this.#bell?.()
  }

  async next(limit: number): Promise<readonly Taken[]> {
    while (this.#waiting.length === 0 && !this.#ended) {
      await new Promise<void>(resolve => {
        this.#bell = resolve
      })
    }
    return this.#waiting.splice(0, limit)
  }
}
