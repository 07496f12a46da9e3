import { fetchV17 } from '@platformatic/kafka'
import type { KafkaCluster } from './kafka-cluster.ts'

/** How long the broker waits for news at most: one who begins to wait meanwhile is not heard before, in milliseconds. */
const roundMs = 100

interface Waiting {
  topic: string
  partition: number
  /** The first that would be news. */
  offset: bigint
}

/** One question at a time to each node, for all partitions that wait for something new. Nothing of what comes is used. */
export class KafkaNews {
  #cluster: KafkaCluster
  #ring: (topic: string, partition: number) => void
  #waiting = new Map<string, Waiting>()
  #rounds: Promise<void> | undefined
  #closed = false

  constructor(cluster: KafkaCluster, ring: (topic: string, partition: number) => void) {
    this.#cluster = cluster
    this.#ring = ring
  }

  /** Rings once, when there is something at this offset. A hint: it is lost when the broker is. */
  wait(topic: string, partition: number, offset: bigint): void {
    this.#waiting.set(`${topic}/${partition}`, { topic, partition, offset })
    this.#rounds ??= this.#ask().finally(() => {
      this.#rounds = undefined
    })
  }

  close(): void {
    this.#closed = true
    this.#waiting.clear()
  }

  async #ask(): Promise<void> {
    while (this.#waiting.size > 0 && !this.#closed) {
      const asked = [...this.#waiting]
      try {
        await this.#round(asked)
      } catch {
        // Who waits looks by itself, and says what is wrong.
        for (const [name, each] of asked) if (this.#waiting.get(name) === each) this.#waiting.delete(name)
      }
    }
  }

  async #round(asked: readonly (readonly [string, Waiting])[]): Promise<void> {
    const known = await Promise.all(
      asked.map(async ([name, each]) => ({ name, each, info: await this.#cluster.topic(each.topic) }))
    )
    const byLeader = Map.groupBy(known, ({ each, info }) => info.leaders[each.partition]!)
    await Promise.all(
      [...byLeader].map(async ([leader, own]) => {
        const connection = await this.#cluster.node(leader, 'watch')
        const topics = [...Map.groupBy(own, ({ info }) => info.id)].map(([topicId, parts]) => ({
          topicId,
          partitions: parts.map(({ each: { partition, offset } }) => partitionFrom(partition, offset, 1))
        }))
        // At most one batch comes back, but of each partition where it ends.
        const { responses } = await fetchV17.api.async(connection, roundMs, 1, 1, 0, 0, -1, topics, [], '')
        for (const { topicId, partitions } of responses) {
          for (const { partitionIndex, highWatermark } of partitions) {
            const found = own.find(({ each, info }) => info.id === topicId && each.partition === partitionIndex)
            if (!found || highWatermark <= found.each.offset) continue
            if (this.#waiting.get(found.name) === found.each) this.#waiting.delete(found.name)
            this.#ring(found.each.topic, partitionIndex)
          }
        }
      })
    )
  }
}

export const partitionFrom = (partition: number, fetchOffset: bigint, partitionMaxBytes: number) => ({
  partition,
  currentLeaderEpoch: -1,
  fetchOffset,
  lastFetchedEpoch: -1,
  partitionMaxBytes
})
