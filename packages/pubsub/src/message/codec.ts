/** How data becomes bytes. The content type says to a reader which one made them. */
export interface Codec {
  readonly contentType: string
  encode(data: unknown): Uint8Array
  /** @throws anything when the bytes are not of this form */
  decode(bytes: Uint8Array): unknown
}

const text = new TextDecoder('utf-8', { fatal: true })

/** JSON as UTF-8. `undefined` is sent as null. */
export const jsonCodec: Codec = {
  contentType: 'application/json',
  encode: data => Buffer.from(JSON.stringify(data ?? null)),
  decode: bytes => JSON.parse(text.decode(bytes))
}

/** Bytes as they are. */
export const bytesCodec: Codec = {
  contentType: 'application/octet-stream',
  encode(data) {
    if (data instanceof Uint8Array) return data
    throw new TypeError('bytesCodec takes a Uint8Array')
  },
  decode: bytes => bytes
}
