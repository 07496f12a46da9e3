import type { Delivery, Position } from '../broker.ts'
import type { Page, PartitionLog, ReadStatistics } from './positional.ts'

const mostPerPage = 1_000
const pageBytes = 1_000_000

/**
 * The end of one partition, kept in memory for all groups of this process. Who reads where the window ends makes it longer;
 * who is inside is served from it; who is behind it reads for itself and disturbs nobody.
 */
export class SharedReader {
  #log: PartitionLog
  #topic: string
  #partition: number
  #windowBytes: number
  #statistics: ReadStatistics
  /** The window begins right behind this. */
  #begin: Position = null
  #window: Delivery[] = []
  #bytes = 0
  #averageBytes = 4_000
  /** Reads under way, by where they begin. */
  #reads = new Map<Position, Promise<Page>>()
  #bells = new Set<() => void>()
  #stopListening: () => void

  constructor(log: PartitionLog, topic: string, partition: number, windowBytes: number, statistics: ReadStatistics) {
    this.#log = log
    this.#topic = topic
    this.#partition = partition
    this.#windowBytes = windowBytes
    this.#statistics = statistics
    this.#stopListening = log.onNews(topic, news => {
      if (news === partition) for (const ring of this.#bells) ring()
    })
  }

  close(): void {
    this.#stopListening()
  }

  /** Fills the window, if it can be. Rejects when the broker is away. */
  async peek(after: Position): Promise<void> {
    if (this.#inWindow(after).length === 0) await this.#read(after)
  }

  async next(after: Position, limit: number, signal: AbortSignal): Promise<readonly Delivery[]> {
    while (!signal.aborted) {
      const bell = Promise.withResolvers<void>()
      this.#bells.add(bell.resolve)
      try {
        const kept = this.#inWindow(after, limit)
        if (kept.length > 0) return kept
        const { deliveries, retryInMs } = await this.#read(after)
        if (deliveries.length > 0) return deliveries.slice(0, limit)
        await this.#quiet(bell, retryInMs ?? this.#log.pollMs, signal)
      } finally {
        this.#bells.delete(bell.resolve)
      }
    }
    return []
  }

  async #quiet(bell: PromiseWithResolvers<void>, ms: number, signal: AbortSignal): Promise<void> {
    const timer = setTimeout(bell.resolve, ms)
    signal.addEventListener('abort', () => bell.resolve(), { once: true })
    if (signal.aborted) bell.resolve()
    await bell.promise
    clearTimeout(timer)
  }

  #inWindow(after: Position, limit = mostPerPage): readonly Delivery[] {
    if (this.#window.length === 0) return []
    if (after === this.#begin) return this.#window.slice(0, limit)
    if (after === null || (this.#begin !== null && after < this.#begin)) return []
    // The first whose position is behind `after`.
    let low = 0
    let high = this.#window.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#window[middle]!.position! <= after) low = middle + 1
      else high = middle
    }
    return this.#window.slice(low, low + limit)
  }

  /** Many may ask for one place at once: it is read once. */
  #read(after: Position): Promise<Page> {
    let read = this.#reads.get(after)
    if (!read) {
      read = this.#readNow(after).finally(() => this.#reads.delete(after))
      this.#reads.set(after, read)
    }
    return read
  }

  async #readNow(after: Position): Promise<Page> {
    const limit = Math.max(1, Math.min(mostPerPage, Math.floor(pageBytes / this.#averageBytes)))
    const page = await this.#log.read(this.#topic, this.#partition, after, limit)
    const { deliveries } = page
    if (deliveries.length === 0) return page
    this.#statistics.pages++
    this.#statistics.messages += deliveries.length
    const bytes = deliveries.reduce((sum, { envelope }) => sum + envelope.data.byteLength + 500, 0)
    this.#averageBytes = (this.#averageBytes + bytes / deliveries.length) / 2
    this.#extend(after, deliveries, bytes)
    return page
  }

  #extend(after: Position, deliveries: readonly Delivery[], bytes: number): void {
    const end = this.#window.at(-1)?.position ?? this.#begin
    if (this.#window.length === 0 || (after !== null && end !== null && after > end)) {
      this.#begin = after
      this.#window = [...deliveries]
      this.#bytes = bytes
    } else if (after === end) {
      this.#window.push(...deliveries)
      this.#bytes += bytes
    }
    let dropped = 0
    while (this.#bytes > this.#windowBytes && dropped < this.#window.length - 1) {
      const { envelope, position } = this.#window[dropped++]!
      this.#bytes -= envelope.data.byteLength + 500
      this.#begin = position
    }
    if (dropped > 0) this.#window.splice(0, dropped)
  }
}
