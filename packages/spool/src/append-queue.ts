import { encodeFrame, FRAME_BYTES } from './frame.ts'

export interface Append {
  record: Uint8Array
  appendedAt: number
  resolve(sequence: number): void
  reject(error: Error): void
}

/** What waits for its write, in order, and the bytes that it keeps in memory until it has settled. */
export class AppendQueue {
  #waiting: Append[] = []
  #bytes = 0

  /** Bytes of what waits and of what is being written, with their frames. */
  get bytes(): number {
    return this.#bytes
  }

  /** Bytes of the first that waits, with its frame; undefined when none does. */
  get nextBytes(): number | undefined {
    const next = this.#waiting[0]
    return next && framedBytes(next)
  }

  add(append: Append): void {
    this.#waiting.push(append)
    this.#bytes += framedBytes(append)
  }

  /** Takes as many as fit in so many bytes, and one at least. They count until they are settled. */
  take(most: number): Append[] {
    let bytes = 0
    let count = 0
    for (const append of this.#waiting) {
      bytes += framedBytes(append)
      if (count > 0 && bytes > most) break
      count++
    }
    return this.#waiting.splice(0, count)
  }

  settled(batch: readonly Append[]): void {
    this.#bytes -= bytesOf(batch)
  }
}

/** The frames of a batch, one after another, numbered from `first`. */
export function encodeBatch(batch: readonly Append[], marker: Buffer, first: number): Buffer {
  const bytes = Buffer.allocUnsafe(bytesOf(batch))
  let at = 0
  for (const [index, { record, appendedAt }] of batch.entries()) {
    at = encodeFrame(bytes, at, marker, record, { sequence: first + index, appendedAt })
  }
  return bytes
}

function framedBytes({ record }: Append): number {
  return FRAME_BYTES + record.length
}

function bytesOf(batch: readonly Append[]): number {
  return batch.reduce((sum, append) => sum + framedBytes(append), 0)
}
