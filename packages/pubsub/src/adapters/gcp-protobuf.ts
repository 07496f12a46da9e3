/** The little of protocol buffers that is needed here: fields in their order, unknown ones passed over. */

/** A message in a message is its fields: all of them are written into one place, once. */
export type Field = readonly [number: number, value: string | number | Uint8Array | readonly Field[]]

/** Numbers are from 0 on. */
export function encode(fields: readonly Field[]): Buffer {
  const out = Buffer.allocUnsafe(sizeOf(fields))
  write(out, fields, 0)
  return out
}

function sizeOf(fields: readonly Field[]): number {
  let size = 0
  for (const [number, value] of fields) {
    size += sizeOfVarint(number << 3)
    if (typeof value === 'number') size += sizeOfVarint(value)
    else {
      const length = lengthOf(value)
      size += sizeOfVarint(length) + length
    }
  }
  return size
}

function lengthOf(value: string | Uint8Array | readonly Field[]): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  return value instanceof Uint8Array ? value.byteLength : sizeOf(value)
}

function sizeOfVarint(value: number): number {
  let size = 1
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) size++
  return size
}

/** This and the two below return where it ends. */
function write(out: Buffer, fields: readonly Field[], begin: number): number {
  let at = begin
  for (const [number, value] of fields) {
    if (typeof value === 'number') {
      at = writeVarint(out, value, writeVarint(out, number << 3, at))
      continue
    }
    at = writeVarint(out, lengthOf(value), writeVarint(out, (number << 3) | 2, at))
    if (typeof value === 'string') at = writeText(out, value, at)
    else if (value instanceof Uint8Array) {
      out.set(value, at)
      at += value.byteLength
    } else at = write(out, value, at)
  }
  return at
}

function writeVarint(out: Buffer, value: number, at: number): number {
  let rest = value
  let end = at
  for (; rest > 127; rest = Math.floor(rest / 128)) out[end++] = (rest % 128) | 0x80
  out[end++] = rest
  return end
}

/** Short and plain texts, which most are, cost less than a call out of JavaScript. */
function writeText(out: Buffer, text: string, at: number): number {
  if (text.length > 100) return at + out.write(text, at)
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 127) return at + out.write(text, at)
    out[at + i] = code
  }
  return at + text.length
}

/** Each field that is there: numbers, whose last digits are lost beyond 2 to the 53rd, and all else as bytes. */
export function* decode(bytes: Buffer): Generator<[number: number, value: number | Buffer]> {
  let at = 0
  const next = (): number => {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++]
      if (byte === undefined || factor > 2 ** 63) throw new RangeError('the message ends in the middle of a number')
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
  }
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new RangeError('the message ends in the middle of a field')
    at += length
    return bytes.subarray(at - length, at)
  }
  while (at < bytes.length) {
    const tag = next()
    const number = tag >>> 3
    if ((tag & 7) === 0) yield [number, next()]
    else if ((tag & 7) === 2) yield [number, take(next())]
    else if ((tag & 7) === 1) take(8)
    else if ((tag & 7) === 5) take(4)
    else throw new RangeError(`a field of type ${tag & 7} is not known`)
  }
}
