import type { GrpcLine } from './gcp-grpc.ts'
import { encode, type Field } from './gcp-protobuf.ts'

interface Waiting {
  bytes: Buffer
  told: PromiseWithResolvers<void>
}

/** The service takes 1,000 messages and 10 MB a request, other servers of its protocol 4 MB. */
const most = 1_000
const mostBytes = 3_500_000

/** One request at a time to each topic, since two under way may overtake each other; what comes meanwhile goes together. */
export class GcpPublisher {
  #line: GrpcLine
  #waiting = new Map<string, Waiting[]>()
  #busy = new Set<string>()

  constructor(line: GrpcLine) {
    this.#line = line
  }

  /** Resolves when the service has it. What waits behind one that fails fails too: nothing overtakes it. */
  publish(topic: string, bytes: Buffer): Promise<void> {
    const told = Promise.withResolvers<void>()
    const waiting = this.#waiting.get(topic) ?? []
    this.#waiting.set(topic, waiting)
    waiting.push({ bytes, told })
    if (!this.#busy.has(topic)) {
      this.#busy.add(topic)
      // After this turn: what is published together goes together.
      queueMicrotask(() => void this.#send(topic, waiting))
    }
    return told.promise
  }

  async #send(topic: string, waiting: Waiting[]): Promise<void> {
    while (waiting.length > 0) {
      const part = waiting.splice(0, partOf(waiting))
      try {
        const request = encode([[1, topic], ...part.map(({ bytes }): Field => [2, bytes])])
        await this.#line.call('google.pubsub.v1.Publisher/Publish', request)
        for (const { told } of part) told.resolve()
      } catch (error) {
        for (const { told } of [...part, ...waiting.splice(0)]) told.reject(error)
      }
    }
    this.#busy.delete(topic)
    this.#waiting.delete(topic)
  }
}

function partOf(waiting: readonly Waiting[]): number {
  let bytes = 0
  let count = 0
  for (const each of waiting) {
    bytes += each.bytes.length + 10
    if (count === most || (count > 0 && bytes > mostBytes)) break
    count++
  }
  return count
}
