/** How data becomes bytes. The content type says to a reader which one made them. */
export interface Codec {
  readonly contentType: string
  encode(data: unknown): Uint8Array
  /** @throws anything when the bytes are not of this form */
  decode(bytes: Uint8Array): unknown
  /** What `encode` gives, as text, where it is UTF-8: a broker that keeps text is spared the bytes. */
  encodeText?(data: unknown): string
  /** What `decode` gives, from text. */
  decodeText?(text: string): unknown
}

const utf8 = new TextDecoder('utf-8', { fatal: true })
const byteOrderMark = '\ufeff'

/** JSON as UTF-8. `undefined` is sent as null. */
export const jsonCodec: Codec = {
  contentType: 'application/json',
  encode: data => Buffer.from(JSON.stringify(data ?? null)),
  decode: bytes => JSON.parse(utf8.decode(bytes)),
  encodeText: data => JSON.stringify(data ?? null),
  decodeText: text => JSON.parse(text.startsWith(byteOrderMark) ? text.slice(1) : text)
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
