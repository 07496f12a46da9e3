import { brotliCompressSync, constants, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { bytesOf, type Draft } from './draft.ts'
import { type Spoil, setHeader } from './spoil-request.ts'

const packers: Record<string, (bytes: Buffer) => Buffer> = {
  gzip: gzipSync,
  br: bytes => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }),
  zstd: zstdCompressSync,
  deflate: deflateSync,
  'x-gzip': gzipSync
}
let bomb: Buffer | undefined

const bodyOf = (draft: Draft) => bytesOf({ ...draft, chunked: false }).body
const asText = (draft: Draft) => draft.text ?? JSON.stringify(draft.value) ?? ''

/** Faults of a body: in its text, and in its bytes and encoding. */
const textSpoils: Record<string, Spoil> = {
  'JSON cut short': (draft, random) => {
    const text = asText(draft)
    draft.text = text.slice(0, random.whole(0, text.length))
  },
  'JSON with a wrong sign': (draft, random) => {
    const text = asText(draft)
    const place = random.whole(0, text.length)
    draft.text =
      text.slice(0, place) +
      random.pick(['\0', '"', '}', ',', '\\', '\\u12', 'NaN', "'", '/*', '\u2028', '1e999', '[']) +
      text.slice(place)
  },
  'more than JSON': (draft, random) => {
    draft.text =
      random.pick(['\ufeff', '\n\n', '', '[]', 'null']) +
      asText(draft) +
      random.pick(['x', '{}', '\0', ' ', '\n{', ']'])
  },
  'not an object': (draft, random) => {
    draft.text = random.pick([
      '',
      ' ',
      'null',
      'true',
      '0',
      '""',
      '[]',
      '{}',
      '[[]]',
      '[null]',
      '-',
      '{"a"',
      '1e400',
      '"\\ud800"'
    ])
  },
  'key twice or forbidden': (draft, random) => {
    draft.text = asText(draft).replace(
      '{',
      `{${random.pick(['"__proto__":{"id":1},', '"constructor":{"prototype":{}},', '"id":1,', '"user":null,', '"":0,'])}`
    )
  },
  lines: (draft, random) => {
    const lines = [draft.value].flat().map(line => JSON.stringify(line) ?? '')
    draft.text = [...lines, ...lines, random.pick(['', '{', 'null', '\0', '[]'])].join(
      random.pick(['\n', '\r\n', '\n\n\n', '\r', '\u2028'])
    )
    setHeader(draft, 'content-type', random.pick(['application/x-ndjson', 'application/ndjson', 'application/json']))
  }
}

const byteSpoils: Record<string, Spoil> = {
  'not UTF-8': (draft, random) => {
    const body = bodyOf(draft)
    const place = random.whole(0, body.length)
    const wrong = Buffer.from(random.pick(['ff', 'c3', 'c080', 'eda080', 'f8888080', 'fffe', '80']), 'hex')
    draft.bytes = Buffer.concat([body.subarray(0, place), wrong, body.subarray(place)])
  },
  'UTF-16': draft => {
    draft.bytes = Buffer.from(`\ufeff${asText(draft)}`, 'utf16le')
  },
  packed: (draft, random) => {
    const encoding = random.pick(Object.keys(packers))
    draft.bytes = packers[encoding]!(bodyOf(draft))
    setHeader(draft, 'content-encoding', random.pick([encoding, encoding, encoding.toUpperCase(), ` ${encoding} `]))
  },
  'packed and broken': (draft, random) => {
    const encoding = random.pick(Object.keys(packers))
    const packed = packers[encoding]!(bodyOf(draft))
    const place = random.whole(0, packed.length - 1)
    if (random.chance(0.5)) packed[place] = packed[place]! ^ 0xff
    draft.bytes = random.chance(0.3) ? packed.subarray(0, place) : packed
    setHeader(draft, 'content-encoding', encoding)
  },
  'packed as something else': (draft, random) => {
    draft.bytes = packers[random.pick(Object.keys(packers))]!(bodyOf(draft))
    setHeader(
      draft,
      'content-encoding',
      random.pick([
        ...Object.keys(packers),
        'identity',
        'gzip, gzip',
        'compress',
        'constructor',
        '',
        '*',
        'gzip;q=1',
        'x'.repeat(3_000)
      ])
    )
  },
  bomb: draft => {
    bomb ??= gzipSync(Buffer.alloc(20_000_000, 0x20))
    draft.bytes = bomb
    setHeader(draft, 'content-encoding', 'gzip')
  },
  'too many bytes': (draft, random) => {
    draft.bytes = Buffer.alloc(random.pick([99_999, 100_001, 1_000_001, 2_500_000]), random.pick([' ', '[', '0']))
  }
}

export const bodySpoils = { ...textSpoils, ...byteSpoils }
