import type { Delivery, Position } from '../broker.ts'
import type { Packed } from './positional.ts'

/** The first whose position is behind `after`, of some that stand in order. */
export function behind<T>(items: readonly T[], after: Position, positionOf: (item: T) => Position): number {
  if (after === null) return 0
  let low = 0
  let high = items.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (positionOf(items[middle]!)! <= after) low = middle + 1
    else high = middle
  }
  return low
}

/** Unpacks for several readers that are at about one place: what was unpacked a moment ago is not unpacked again. */
export class Packs {
  #now = new Map<Packed, readonly Delivery[]>()
  #before = new Map<Packed, readonly Delivery[]>()

  /** Deliveries behind a position, `limit` at most, out of packs that stand in order, the first of them at `begin`. */
  take(packs: readonly Packed[], after: Position, limit: number, begin = 0): readonly Delivery[] {
    const taken: Delivery[] = []
    for (let each = begin; each < packs.length; each++) {
      const all = this.#unpacked(packs[each]!)
      const from = behind(all, after, ({ position }) => position)
      for (let i = from; i < all.length && taken.length < limit; i++) taken.push(all[i]!)
      if (taken.length >= limit) break
    }
    return taken
  }

  #unpacked(packed: Packed): readonly Delivery[] {
    if (packed.count === 1) return packed.unpack()
    let all = this.#now.get(packed)
    if (all) return all
    all = this.#before.get(packed) ?? packed.unpack()
    if (this.#now.size >= mostUnpacked) {
      this.#before = this.#now
      this.#now = new Map()
    }
    this.#now.set(packed, all)
    return all
  }
}

/** Twice as many packs stay unpacked, at most. */
const mostUnpacked = 16
