/** As much of protocol buffers and of gRPC's frames as the five calls of Pub/Sub take. */

export type Field = readonly [number: number, value: string | number | Uint8Array]

export function encode(fields: readonly Field[]): Buffer {
  let size = 0
  const bodies = fields.map(([, value]) => {
    const body = typeof value === 'string' ? Buffer.from(value) : value
    size += 12 + (typeof body === 'number' ? 0 : body.length)
    return body
  })
  const out = Buffer.allocUnsafe(size)
  let at = 0
  const varint = (value: number) => {
    let rest = value
    for (; rest > 127; rest >>>= 7) out[at++] = (rest & 127) | 128
    out[at++] = rest
  }
  for (const [i, [number]] of fields.entries()) {
    const body = bodies[i]!
    varint((number << 3) | (typeof body === 'number' ? 0 : 2))
    if (typeof body === 'number') varint(body)
    else {
      varint(body.length)
      out.set(body, at)
      at += body.length
    }
  }
  return out.subarray(0, at)
}

/** Calls `see` with each field that is bytes; numbers are passed over. */
export function decode(bytes: Buffer, see: (number: number, value: Buffer) => void): void {
  let at = 0
  const varint = () => {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++]!
      value += (byte & 127) * factor
      if (byte < 128) return value
    }
  }
  while (at < bytes.length) {
    const tag = varint()
    if ((tag & 7) === 0) varint()
    else {
      const length = varint()
      see(tag >>> 3, bytes.subarray(at, at + length))
      at += length
    }
  }
}

export function framed(message: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(5 + message.length)
  frame[0] = 0
  frame.writeUInt32BE(message.length, 1)
  frame.set(message, 5)
  return frame
}

/** Takes what comes in pieces, and calls `see` with each whole message. */
export function unframed(see: (message: Buffer) => void): (chunk: Buffer) => void {
  let kept: Buffer = Buffer.alloc(0)
  return chunk => {
    kept = kept.length === 0 ? chunk : Buffer.concat([kept, chunk])
    while (kept.length >= 5 && kept.length >= 5 + kept.readUInt32BE(1)) {
      const end = 5 + kept.readUInt32BE(1)
      see(kept.subarray(5, end))
      kept = kept.subarray(end)
    }
  }
}
