/** The little of protocol buffers that is needed here: fields in their order, unknown ones passed over. */

export type Field = readonly [number: number, value: string | number | Uint8Array]

export function encode(fields: readonly Field[]): Buffer {
  const parts: Uint8Array[] = []
  for (const [number, value] of fields) {
    if (typeof value === 'number') parts.push(varint(number << 3), varint(value))
    else {
      const bytes = typeof value === 'string' ? Buffer.from(value) : value
      parts.push(varint((number << 3) | 2), varint(bytes.byteLength), bytes)
    }
  }
  return Buffer.concat(parts)
}

/** Each field that is there: numbers as bigint, all else as bytes. */
export function* decode(bytes: Buffer): Generator<[number: number, value: bigint | Buffer]> {
  let at = 0
  const next = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]
      if (byte === undefined || shift > 63n) throw new RangeError('the message ends in the middle of a number')
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new RangeError('the message ends in the middle of a field')
    at += length
    return bytes.subarray(at - length, at)
  }
  while (at < bytes.length) {
    const tag = Number(next())
    const number = tag >>> 3
    if ((tag & 7) === 0) yield [number, next()]
    else if ((tag & 7) === 2) yield [number, take(Number(next()))]
    else if ((tag & 7) === 1) take(8)
    else if ((tag & 7) === 5) take(4)
    else throw new RangeError(`a field of type ${tag & 7} is not known`)
  }
}

/** Of numbers from 0 on. */
function varint(value: number): Uint8Array {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) {
      bytes.push(rest)
      return Uint8Array.from(bytes)
    }
    bytes.push((rest % 128) | 0x80)
  }
}
