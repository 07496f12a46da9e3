import type { Delivery, Source } from '../broker.ts'
import type { GrpcLine, GrpcStream } from './gcp-grpc.ts'
import { deliveriesIn, type Receipt } from './gcp-messages.ts'
import { encode, type Field } from './gcp-protobuf.ts'

const mostIds = 1_000

/** A streaming pull of one subscription. What waits here has its deadline moved on, for as long as this process lives. */
export class GcpSource implements Source {
  onClosed: () => void = () => undefined
  #line: GrpcLine
  #subscription: string
  #stream: GrpcStream | undefined
  #waiting: Delivery[] = []
  #unacknowledged = new Set<Delivery>()
  #bell: PromiseWithResolvers<void> | undefined
  #failure: unknown
  #timer: NodeJS.Timeout | undefined
  #deadlineSeconds: number

  constructor(line: GrpcLine, subscription: string, deadlineSeconds: number) {
    this.#line = line
    this.#subscription = subscription
    this.#deadlineSeconds = deadlineSeconds
  }

  async start(partition: number, prefetch: number): Promise<void> {
    const stream = await this.#line.open('google.pubsub.v1.Subscriber/StreamingPull', response => {
      for (const delivery of deliveriesIn(response, partition)) {
        this.#waiting.push(delivery)
        this.#unacknowledged.add(delivery)
      }
      this.#bell?.resolve()
    })
    this.#stream = stream
    stream.write(
      encode([
        [1, this.#subscription],
        [5, this.#deadlineSeconds],
        [7, prefetch],
        [8, 100_000_000]
      ])
    )
    const lost = () => this.#end(new Error('the pull from Pub/Sub has ended'))
    stream.ended.then(lost, error => this.#end(error))
    this.#timer = setInterval(() => this.#moveDeadlines(), this.#deadlineSeconds * 300)
    this.#timer.unref()
  }

  get unacknowledged(): ReadonlySet<Delivery> {
    return this.#unacknowledged
  }

  async next(limit: number, signal: AbortSignal): Promise<readonly Delivery[]> {
    while (!signal.aborted) {
      if (this.#failure !== undefined) throw this.#failure
      if (this.#waiting.length > 0) break
      const bell = Promise.withResolvers<void>()
      this.#bell = bell
      signal.addEventListener('abort', () => bell.resolve(), { once: true })
      await bell.promise
    }
    return this.#waiting.splice(0, limit)
  }

  async ack(deliveries: readonly Delivery[]): Promise<void> {
    for (const each of deliveries) this.#unacknowledged.delete(each)
    for (const ids of idsOf(deliveries)) this.#stream?.write(encode(ids.map((id): Field => [2, id])))
  }

  async close(): Promise<void> {
    const given = [...this.#unacknowledged]
    this.#end(new Error('the pull from Pub/Sub was closed'))
    this.#stream?.cancel()
    // Due at once, for whoever comes next; else when its deadline is over.
    const back = [...idsOf(given)].map(ids =>
      this.#line.call(
        'google.pubsub.v1.Subscriber/ModifyAckDeadline',
        encode([[1, this.#subscription], [3, 0], ...ids.map((id): Field => [4, id])])
      )
    )
    await Promise.all(back).catch(() => undefined)
  }

  #moveDeadlines(): void {
    for (const ids of idsOf([...this.#unacknowledged])) {
      const times = ids.map((): Field => [3, this.#deadlineSeconds])
      this.#stream?.write(encode([...times, ...ids.map((id): Field => [4, id])]))
    }
  }

  #end(failure: unknown): void {
    this.#failure ??= failure
    clearInterval(this.#timer)
    this.#waiting = []
    this.#unacknowledged.clear()
    this.#bell?.resolve()
    this.onClosed()
  }
}

function* idsOf(deliveries: readonly Delivery[]): Generator<string[]> {
  for (let from = 0; from < deliveries.length; from += mostIds) {
    yield deliveries.slice(from, from + mostIds).map(({ receipt }) => (receipt as Receipt).ackId)
  }
}
