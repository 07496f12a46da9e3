import type { Delivery, Position } from '../broker.ts'
import { lastOf, notBehind, takenFrom } from './packs.ts'
import type { Packed, Page, PartitionLog, ReadStatistics } from './positional.ts'

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
  #window: Packed[] = []
  #bytes = 0
  #averageBytes = 4_000
  /** Reads under way, by where they begin. */
  #reads = new Map<Position, Promise<PackedPage>>()
  /** Where the window's last page begins, while more seems to be behind it, which nobody reads yet. */
  #lastPage: Position | undefined
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
    if (this.#inWindow(after, 1).length === 0) await this.#read(after)
  }

  async next(after: Position, limit: number, signal: AbortSignal): Promise<readonly Delivery[]> {
    while (!signal.aborted) {
      const bell = Promise.withResolvers<void>()
      this.#bells.add(bell.resolve)
      try {
        const kept = this.#inWindow(after, limit)
        if (kept.length > 0) return this.#given(kept)
        const { packed, retryInMs } = await this.#read(after)
        if (packed.length > 0) return this.#given(takenFrom(packed, after, limit))
        await this.#quiet(bell, retryInMs ?? this.#log.pollMs, signal)
      } finally {
        this.#bells.delete(bell.resolve)
      }
    }
    return []
  }

  /** Who gets something of the window's last page will ask for the next one: it is read meanwhile. */
  #given(deliveries: readonly Delivery[]): readonly Delivery[] {
    const last = this.#lastPage
    const end = this.#window.at(-1)
    const room = this.#windowBytes >= 3 * pageBytes
    if (last !== undefined && end && room && (last === null || deliveries.at(-1)!.position! > last)) {
      this.#lastPage = undefined
      // Who needs it asks again, and is told what the matter is.
      this.#read(lastOf(end)).catch(() => undefined)
    }
    return deliveries
  }

  async #quiet(bell: PromiseWithResolvers<void>, ms: number, signal: AbortSignal): Promise<void> {
    const timer = setTimeout(bell.resolve, ms)
    signal.addEventListener('abort', () => bell.resolve(), { once: true })
    if (signal.aborted) bell.resolve()
    await bell.promise
    clearTimeout(timer)
  }

  #inWindow(after: Position, limit: number): readonly Delivery[] {
    if (after !== this.#begin && (after === null || (this.#begin !== null && after < this.#begin))) return []
    const window = this.#window
    const from = after === this.#begin ? 0 : notBehind(after, window.length, index => lastOf(window[index]!))
    return takenFrom(window, after, limit, from)
  }

  /** Many may ask for one place at once: it is read once. */
  #read(after: Position): Promise<PackedPage> {
    let read = this.#reads.get(after)
    if (!read) {
      read = this.#readNow(after).finally(() => this.#reads.delete(after))
      this.#reads.set(after, read)
    }
    return read
  }

  async #readNow(after: Position): Promise<PackedPage> {
    const limit = Math.max(1, Math.min(mostPerPage, Math.floor(pageBytes / this.#averageBytes)))
    const page = await this.#log.read(this.#topic, this.#partition, after, limit)
    const packed = packedOf(page)
    if (packed.length > 0) {
      const messages = packed.reduce((sum, { count }) => sum + count, 0)
      const bytes = packed.reduce((sum, each) => sum + each.bytes, 0)
      this.#statistics.pages++
      this.#statistics.messages += messages
      this.#averageBytes = (this.#averageBytes + bytes / messages) / 2
      this.#extend(after, packed, bytes, page.more === true || messages >= limit || bytes >= pageBytes)
    }
    return { packed, retryInMs: page.retryInMs }
  }

  #extend(after: Position, packed: readonly Packed[], bytes: number, more: boolean): void {
    const end = this.#window.length > 0 ? lastOf(this.#window.at(-1)!) : this.#begin
    if (this.#window.length === 0 || (after !== null && end !== null && after > end)) {
      this.#begin = after
      this.#window = [...packed]
      this.#bytes = bytes
    } else if (after === end) {
      this.#window.push(...packed)
      this.#bytes += bytes
    } else return
    this.#lastPage = more ? after : undefined
    let dropped = 0
    while (this.#bytes > this.#windowBytes && dropped < this.#window.length - 1) {
      const packed = this.#window[dropped++]!
      this.#bytes -= packed.bytes
      this.#begin = lastOf(packed)
    }
    if (dropped > 0) this.#window.splice(0, dropped)
  }
}

interface PackedPage {
  readonly packed: readonly Packed[]
  readonly retryInMs: number | undefined
}

/** Messages that did not come packed are each their own. */
function packedOf({ deliveries, packed }: Page): readonly Packed[] {
  if (packed) return packed
  return deliveries.map(({ envelope, position, publishedAt }) => ({
    count: 1,
    bytes: envelope.data.byteLength + 500,
    publishedAt,
    positionOf: () => position!,
    envelopeAt: () => envelope
  }))
}
