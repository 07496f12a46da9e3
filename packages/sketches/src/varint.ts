import { MalformedSketchError } from './malformed.ts'

/** Appends a non-negative safe integer, seven bits a byte, low bits first. Division, because shifts end at 32 bits. */
export function pushVarint(bytes: number[], value: number): void {
  let rest = value
  while (rest >= 128) {
    bytes.push((rest % 128) | 128)
    rest = Math.floor(rest / 128)
  }
  bytes.push(rest)
}

/** Reads what `pushVarint` wrote, and only that: a longer spelling of the same number would break "same bytes". */
export class VarintReader {
  readonly #bytes: Uint8Array
  #at: number

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes
    this.#at = at
  }

  get done(): boolean {
    return this.#at === this.#bytes.length
  }

  next(): number {
    let value = 0
    let scale = 1
    for (;;) {
      const byte = this.#bytes[this.#at]
      if (byte === undefined) throw new MalformedSketchError('the sketch is cut short')
      this.#at++
      value += (byte & 127) * scale
      if (!Number.isSafeInteger(value)) throw new MalformedSketchError('the sketch holds a number beyond 2^53 - 1')
      if (byte < 128) {
        if (byte === 0 && scale > 1) throw new MalformedSketchError('the sketch holds a number with needless zeros')
        return value
      }
      scale *= 128
    }
  }
}
