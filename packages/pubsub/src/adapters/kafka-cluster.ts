import type { ConnectionOptions as TlsOptions } from 'node:tls'
import { Connection, createTopicsV7, listOffsetsV9, metadataV12 } from '@platformatic/kafka'

import type { Address, Sasl } from './kafka-address.ts'

type MetadataResponse = Awaited<ReturnType<typeof metadataV12.api.async>>

export interface ClusterOptions {
  bootstrap: readonly Address[]
  timeoutMs: number
  security: { tls?: TlsOptions; sasl?: Sasl }
  /** Where a broker is reached that says it is somewhere else. */
  route: (address: Address) => Address
}

export interface Topic {
  readonly id: string
  /** The node that leads each partition. */
  readonly leaders: readonly number[]
}

/** Codes of the protocol that are told apart. */
const noSuchTopic = 3
const topicExists = 36
export const offsetOutOfRange = 1

/** Brokers of one cluster, each with a connection for each kind of work, made when it is needed and made anew when it is lost. */
export class KafkaCluster {
  #options: ClusterOptions
  #nodes = new Map<number, Address>()
  #connections = new Map<string, Promise<Connection>>()
  #topics = new Map<string, Promise<Topic>>()
  #closed = false

  constructor(options: ClusterOptions) {
    this.#options = options
  }

  /** Rejects when no broker of the bootstrap answers. */
  async connect(): Promise<void> {
    await this.#metadata([])
  }

  /** A connection to a node. What waits for news must not hold up others: `work` names one of several. */
  async node(node: number, work: 'produce' | 'read' | 'watch'): Promise<Connection> {
    const address = this.#nodes.get(node)
    if (!address) throw new Error(`Kafka has no node ${node}`)
    return await this.#connection(address, work)
  }

  /** What is known of a topic. Rejects when there is none. */
  topic(name: string): Promise<Topic> {
    const known = this.#topics.get(name)
    if (known) return known
    const asked = this.#topicNow(name)
    this.#topics.set(name, asked)
    asked.catch(() => this.forget(name))
    return asked
  }

  /** Leaders may have moved: ask again next time. */
  forget(name: string): void {
    this.#topics.delete(name)
  }

  /** Makes a topic unless it is there. */
  async make(name: string, partitions: number, replicas: number, configs: Record<string, string>): Promise<Topic> {
    const there = await this.topic(name).catch(error => {
      if (error instanceof NoTopicError) return undefined
      throw error
    })
    if (there) return there
    const { timeoutMs } = this.#options
    const settings = Object.entries(configs).map(([key, value]) => ({ name: key, value }))
    const topic = { name, numPartitions: partitions, replicationFactor: replicas, assignments: [], configs: settings }
    await this.#askAny(connection => createTopicsV7.api.async(connection, [topic], timeoutMs, false)).catch(error => {
      // Another one was faster, perhaps with another number of partitions.
      if (!codesOf(error).includes(topicExists)) throw error
    })
    const end = performance.now() + timeoutMs
    for (;;) {
      // A broker hears of a new topic, and then that it leads, a moment later.
      const made = await this.topic(name).catch(() => undefined)
      if (made && (await this.#isLed(name, made))) return made
      this.forget(name)
      if (performance.now() > end) throw new Error(`topic "${name}" has no leaders after ${timeoutMs} ms`)
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  }

  async #isLed(name: string, { leaders }: Topic): Promise<boolean> {
    const asked = Map.groupBy(leaders.keys(), partition => leaders[partition]!)
    const answers = [...asked].map(async ([node, own]) => {
      const partitions = own.map(partitionIndex => ({ partitionIndex, currentLeaderEpoch: -1, timestamp: -1n }))
      await listOffsetsV9.api.async(await this.node(node, 'read'), -1, 0, [{ name, partitions }])
    })
    return await Promise.all(answers).then(
      () => true,
      () => false
    )
  }

  async close(): Promise<void> {
    this.#closed = true
    const connections = [...this.#connections.values()]
    this.#connections.clear()
    await Promise.all(connections.map(each => each.then(connection => connection.close()).catch(() => undefined)))
  }

  async #topicNow(name: string): Promise<Topic> {
    const { topics } = await this.#metadata([name]).catch(error => {
      if (codesOf(error).includes(noSuchTopic)) throw new NoTopicError(name)
      throw error
    })
    const found = topics[0]
    if (!found || found.errorCode === noSuchTopic) throw new NoTopicError(name)
    const leaders = found.partitions.toSorted((a, b) => a.partitionIndex - b.partitionIndex).map(p => p.leaderId)
    if (leaders.length === 0 || leaders.some(leader => !this.#nodes.has(leader))) {
      throw new Error(`a partition of "${name}" has no leader now`)
    }
    return { id: found.topicId, leaders }
  }

  /** Asks the first broker of the bootstrap that answers. */
  async #askAny<R>(work: (connection: Connection) => Promise<R>): Promise<R> {
    let last: unknown
    for (const address of this.#options.bootstrap) {
      let connection: Connection
      try {
        connection = await this.#connection(address, 'any')
      } catch (error) {
        last = error
        continue
      }
      return await work(connection)
    }
    throw last
  }

  async #metadata(topics: string[]): Promise<MetadataResponse> {
    const answer = await this.#askAny(connection => metadataV12.api.async(connection, topics, false, false))
    for (const { nodeId, host, port } of answer.brokers) this.#nodes.set(nodeId, this.#options.route({ host, port }))
    return answer
  }

  async #connection({ host, port }: Address, work: string): Promise<Connection> {
    if (this.#closed) throw new Error('this connection to Kafka was closed')
    const name = `${host}:${port}/${work}`
    const known = this.#connections.get(name)
    if (known) {
      const connection = await known
      if (connection.isConnected()) return connection
      if (this.#connections.get(name) === known) this.#connections.delete(name)
      return await this.#connection({ host, port }, work)
    }
    const { timeoutMs, security } = this.#options
    const connection = new Connection('plimsoll', { connectTimeout: timeoutMs, requestTimeout: timeoutMs, ...security })
    connection.on('error', () => undefined)
    const made = (connection.connect(host, port) as Promise<void>).then(() => connection)
    this.#connections.set(name, made)
    made.catch(() => this.#connections.get(name) === made && this.#connections.delete(name))
    return await made
  }
}

class NoTopicError extends Error {
  constructor(name: string) {
    super(`Kafka has no topic "${name}"`)
  }
}

/** The protocol's codes in an error of the client, at whatever depth. */
export function codesOf(error: unknown): number[] {
  if (!(error instanceof Error)) return []
  const own = (error as { apiCode?: unknown }).apiCode
  const inner = error instanceof AggregateError ? error.errors.flatMap(codesOf) : []
  return [...(typeof own === 'number' ? [own] : []), ...inner, ...codesOf(error.cause)]
}
