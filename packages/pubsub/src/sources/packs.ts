import type { Delivery, Position } from '../broker.ts'
import type { Envelope } from '../message/envelope.ts'
import type { Packed } from './positional.ts'

/** How many of `count`, which stand in order, are not behind `after`. */
export function notBehind(after: Position, count: number, positionOf: (index: number) => string): number {
  if (after === null) return 0
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >> 1
    if (positionOf(middle) <= after) low = middle + 1
    else high = middle
  }
  return low
}

export const lastOf = (packed: Packed): string => packed.positionOf(packed.count - 1)

/**
 * Deliveries out of packs. A message is unpacked when it is its turn and dropped soon after: what lives for as long as a batch
 * and its neighbours take is moved by the collector of garbage again and again, which costs more than to unpack.
 */
export class Packs {
  #now = new Map<Packed, readonly Envelope[]>()
  #before = new Map<Packed, readonly Envelope[]>()
  #messages = 0

  /** Those behind a position, `limit` at most, out of packs that stand in order, the first of them at `begin`. */
  take(packs: readonly Packed[], after: Position, limit: number, begin = 0): readonly Delivery[] {
    const taken: Delivery[] = []
    for (let each = begin; each < packs.length && taken.length < limit; each++) {
      const packed = packs[each]!
      const from = taken.length > 0 ? 0 : notBehind(after, packed.count, index => packed.positionOf(index))
      for (let i = from; i < packed.count && taken.length < limit; i++) taken.push(new PackedDelivery(this, packed, i))
    }
    return taken
  }

  /** Several readers at about one place share it. */
  unpacked(packed: Packed): readonly Envelope[] {
    if (packed.count === 1) return packed.unpack()
    let all = this.#now.get(packed)
    if (all) return all
    all = this.#before.get(packed) ?? packed.unpack()
    if (this.#messages + packed.count > mostUnpacked) {
      this.#before = this.#now
      this.#now = new Map()
      this.#messages = 0
    }
    this.#now.set(packed, all)
    this.#messages += packed.count
    return all
  }
}

/** Twice as many messages stay unpacked, about. */
const mostUnpacked = 250

class PackedDelivery implements Delivery {
  readonly #packs: Packs
  readonly #packed: Packed
  readonly #index: number

  constructor(packs: Packs, packed: Packed, index: number) {
    this.#packs = packs
    this.#packed = packed
    this.#index = index
  }

  get envelope(): Envelope {
    return this.#packs.unpacked(this.#packed)[this.#index]!
  }

  get position(): string {
    return this.#packed.positionOf(this.#index)
  }

  get publishedAt(): number {
    return this.#packed.publishedAt
  }
}
