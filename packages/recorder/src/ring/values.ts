/**
 * A sample's numbers in the order of the file's names: how many (2 bytes), two bits for each that say what it is (left
 * out, zero, a whole number of two bytes, a float of four), then those that take bytes. Most series rest most of the time,
 * so a sample of a hundred takes some 150 bytes, and each can be read without the one before. Four bytes keep seven digits.
 */
const tags = { absent: 0, zero: 1, small: 2, float: 3 } as const
const mostSmall = 65_535

/** Writes at `offset` and returns the bytes it took. What is not finite is left out. */
export function encodeValues(target: Buffer, offset: number, values: Float64Array, count: number): number {
  target.writeUInt16LE(count, offset)
  const tagsAt = offset + 2
  let at = tagsAt + Math.ceil(count / 4)
  target.fill(0, tagsAt, at)
  for (let i = 0; i < count; i++) {
    const value = values[i]!
    let tag: number = tags.absent
    if (value === 0) tag = tags.zero
    else if (Number.isInteger(value) && value > 0 && value <= mostSmall) {
      tag = tags.small
      at = target.writeUInt16LE(value, at)
    } else if (Number.isFinite(Math.fround(value))) {
      tag = tags.float
      at = target.writeFloatLE(value, at)
    }
    target[tagsAt + (i >> 2)]! |= tag << ((i & 3) * 2)
  }
  return at - offset
}

/** Bytes that so many may take at most. */
export const mostBytesOf = (count: number): number => 2 + Math.ceil(count / 4) + 4 * count

export function decodeValues(payload: Buffer, names: readonly (string | undefined)[]): Record<string, number> {
  const values: Record<string, number> = {}
  if (payload.length < 2) return values
  const count = payload.readUInt16LE(0)
  let at = 2 + Math.ceil(count / 4)
  for (let i = 0; i < count; i++) {
    const tag = (payload[2 + (i >> 2)]! >> ((i & 3) * 2)) & 3
    if (tag === tags.absent) continue
    const size = tag === tags.zero ? 0 : tag === tags.small ? 2 : 4
    if (at + size > payload.length) break
    const value = size === 0 ? 0 : size === 2 ? payload.readUInt16LE(at) : payload.readFloatLE(at)
    at += size
    // A name can be missing where the record that told it was damaged.
    const name = names[i]
    if (name !== undefined) values[name] = value
  }
  return values
}
