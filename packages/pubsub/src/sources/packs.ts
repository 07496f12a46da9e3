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

/** Those behind a position, `limit` at most, out of packs that stand in order, the first of them at `begin`. */
export function takenFrom(packs: readonly Packed[], after: Position, limit: number, begin = 0): readonly Delivery[] {
  const taken: Delivery[] = []
  for (let each = begin; each < packs.length && taken.length < limit; each++) {
    const packed = packs[each]!
    const from = taken.length > 0 ? 0 : notBehind(after, packed.count, index => packed.positionOf(index))
    for (let i = from; i < packed.count && taken.length < limit; i++) taken.push(new PackedDelivery(packed, i))
  }
  return taken
}

/**
 * What lives for as long as a batch takes is moved by the collector of garbage again and again, which costs more than to read
 * a message when it is its turn: so this keeps nothing of it.
 */
class PackedDelivery implements Delivery {
  readonly #packed: Packed
  readonly #index: number

  constructor(packed: Packed, index: number) {
    this.#packed = packed
    this.#index = index
  }

  get envelope(): Envelope {
    return this.#packed.envelopeAt(this.#index)
  }

  get position(): string {
    return this.#packed.positionOf(this.#index)
  }

  get publishedAt(): number {
    return this.#packed.publishedAt
  }
}
