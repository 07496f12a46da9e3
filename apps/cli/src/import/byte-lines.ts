export interface ByteLine {
  /** Counts from 1. */
  number: number
  /** Without its line end. Of a line that is too long, only its beginning. */
  bytes: Buffer
  tooLong: boolean
}

/** How much of a line that is too long is kept, to show which one it was. */
const keptOfTooLong = 512
const lineFeed = 0x0a
const carriageReturn = 0x0d

/** Cuts a stream of bytes into lines, and never holds more than one chunk and one line of at most `limit` bytes. */
export class LineCutter {
  readonly #limit: number
  #rest: Buffer = Buffer.alloc(0)
  /** The line that `#rest` begins is longer than the limit: what follows of it is dropped. */
  #dropping = false
  #number = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** The lines that end in this chunk. */
  *push(chunk: Buffer): Generator<ByteLine> {
    let start = 0
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, start)) {
      yield this.#line(chunk.subarray(start, end))
      start = end + 1
    }
    this.#keep(chunk.subarray(start))
  }

  /** The last line, when it has no line end. */
  *end(): Generator<ByteLine> {
    if (this.#rest.length > 0) yield this.#line(Buffer.alloc(0))
  }

  #line(tail: Buffer): ByteLine {
    this.#keep(tail)
    const tooLong = this.#dropping
    const bytes = this.#rest
    this.#rest = Buffer.alloc(0)
    this.#dropping = false
    return { number: ++this.#number, bytes: bytes.at(-1) === carriageReturn ? bytes.subarray(0, -1) : bytes, tooLong }
  }

  #keep(more: Buffer): void {
    if (this.#dropping || more.length === 0) return
    if (this.#rest.length + more.length <= this.#limit) {
      this.#rest = this.#rest.length === 0 ? more : Buffer.concat([this.#rest, more])
    } else {
      this.#rest = Buffer.from(Buffer.concat([this.#rest, more.subarray(0, keptOfTooLong)]).subarray(0, keptOfTooLong))
      this.#dropping = true
    }
  }
}
