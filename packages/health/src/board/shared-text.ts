/** How often a reader that meets a writer tries again. A write takes microseconds; a reader must end all the same. */
const TRIES = 100

/**
 * A text that one thread writes and others read, in shared memory of a fixed size, without anybody waiting: a sequence
 * lock. The number is odd while a write is on; a reader that finds it odd, or moved, has read nothing and tries again.
 *
 * The reader's last look and the writer's first mark are read-modify-writes and not plain loads and stores, since only
 * those keep the bytes from being read or written on the wrong side of them (H.-J. Boehm, "Can seqlocks get along with
 * programming language memory models?", MSPC 2012).
 */
export class SharedText {
  readonly #mark: Int32Array
  readonly #bytes: Uint8Array
  #last = ''
  #lastMark = 0

  /** @param offset where it begins, a multiple of 4 @param size bytes in all, 8 of which are its own */
  constructor(memory: SharedArrayBuffer, offset: number, size: number) {
    this.#mark = new Int32Array(memory, offset, 2)
    this.#bytes = new Uint8Array(memory, offset + 8, size - 8)
  }

  /** @throws RangeError for a text that does not fit; what was there stays. */
  write(text: string): void {
    const bytes = Buffer.from(text)
    if (bytes.length > this.#bytes.length) {
      throw new RangeError(`${bytes.length} bytes do not fit into the ${this.#bytes.length} that are shared`)
    }
    Atomics.add(this.#mark, 0, 1)
    this.#bytes.set(bytes)
    this.#mark[1] = bytes.length
    Atomics.add(this.#mark, 0, 1)
  }

  /** The last whole text, `''` before the first. A reader that never gets between two writes is given its own last one. */
  read(): string {
    for (let tries = 0; tries < TRIES; tries++) {
      const before = Atomics.load(this.#mark, 0)
      if (before === this.#lastMark) return this.#last
      if ((before & 1) === 1) continue
      const length = this.#mark[1]!
      const copy = Buffer.from(this.#bytes.subarray(0, length))
      if (Atomics.add(this.#mark, 0, 0) !== before) continue
      this.#last = copy.toString()
      this.#lastMark = before
      return this.#last
    }
    return this.#last
  }
}
