/** 25 million different lines need 32 million slots of 20 bytes: 640 MB. */
const defaultLimit = 25_000_000
const wordsPerSlot = 4
/** A table that is fuller than this finds its slots slowly. */
const fullest = 0.75

/**
 * How often each line of a file has come by, known by 128 bits of its hash: two requests of one second can be the same to
 * the letter, and both count. An open table in two typed arrays, 27 to 54 bytes for each different line; a Map with text
 * keys needs four times as much.
 */
export class Occurrences {
  readonly #limit: number
  #keys = new Uint32Array(1024 * wordsPerSlot)
  #counts = new Uint32Array(1024)
  #size = 0

  constructor({ limit = defaultLimit }: { limit?: number } = {}) {
    this.#limit = limit
  }

  /**
   * 1 for a line that was not seen before, then 2, 3, …
   * @param hash at least 16 bytes, evenly spread
   * @throws {RangeError} when there are more different lines than the limit
   */
  next(hash: Buffer): number {
    const slot = this.#slotOf(hash.readUInt32LE(0), hash.readUInt32LE(4), hash.readUInt32LE(8), hash.readUInt32LE(12))
    const count = ++this.#counts[slot]!
    if (count === 1) {
      if (++this.#size > this.#limit) {
        throw new RangeError(`The file has more than ${this.#limit} different lines; split it and import the parts.`)
      }
      if (this.#size > this.#counts.length * fullest) this.#grow()
    }
    return count
  }

  #slotOf(a: number, b: number, c: number, d: number): number {
    const keys = this.#keys
    const mask = this.#counts.length - 1
    let slot = a & mask
    while (this.#counts[slot] !== 0) {
      const at = slot * wordsPerSlot
      if (keys[at] === a && keys[at + 1] === b && keys[at + 2] === c && keys[at + 3] === d) return slot
      slot = (slot + 1) & mask
    }
    keys.set([a, b, c, d], slot * wordsPerSlot)
    return slot
  }

  #grow(): void {
    const keys = this.#keys
    const counts = this.#counts
    this.#keys = new Uint32Array(keys.length * 2)
    this.#counts = new Uint32Array(counts.length * 2)
    for (let slot = 0; slot < counts.length; slot++) {
      const count = counts[slot]!
      if (count === 0) continue
      const at = slot * wordsPerSlot
      this.#counts[this.#slotOf(keys[at]!, keys[at + 1]!, keys[at + 2]!, keys[at + 3]!)] = count
    }
  }
}
