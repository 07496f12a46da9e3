import { promisify } from 'node:util'
import { brotliDecompress, constants, gunzip, inflate, zstdDecompress } from 'node:zlib'
import { malformedJson, problem } from '@plimsoll/http'
import { limits } from '../limits.ts'
import { parseMoment } from '../moment.ts'

type Decoder = (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>

const unzstd = promisify(zstdDecompress)
/** RFC 9659: no decoder of a Content-Encoding has to keep a window of more than 8 MB. */
const zstdParameters = { [constants.ZSTD_d_windowLogMax]: 23 }

// A map and not an object, which would also have `constructor` and the like.
const decoders = new Map<string, Decoder>([
  ['gzip', promisify(gunzip)],
  ['x-gzip', promisify(gunzip)],
  ['deflate', promisify(inflate)],
  ['br', promisify(brotliDecompress)],
  ['zstd', (body, options) => unzstd(body, { ...options, params: zstdParameters })]
])

/** Undoes Content-Encoding. The limit is on what comes out, so a small bomb is refused before it grows. */
export async function decodeBody(body: Buffer, header: string | undefined): Promise<Buffer> {
  const encoding = header?.trim().toLowerCase() ?? ''
  if (encoding === '' || encoding === 'identity') return body
  const decode = decoders.get(encoding)
  if (!decode) {
    throw problem(
      415,
      'unsupported_encoding',
      `Content-Encoding "${encoding.slice(0, 40)}" is not read here; use gzip, br, zstd or none`
    )
  }
  try {
    return await decode(body, { maxOutputLength: limits.decodedBytes })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw problem(
        413,
        'decoded_too_large',
        `the body is more than ${limits.decodedBytes} bytes when decoded; send less at once`
      )
    }
    throw problem(400, 'malformed_encoding', `the body is not valid ${encoding}`)
  }
}

/** The events of a body: one JSON object, an array, or one JSON value a line. A line that is not JSON stays an error of its own. */
export function parseEvents(text: string, ndjson: boolean): unknown[] {
  const events = ndjson ? parseLines(text) : parseJson(text)
  if (events.length === 0) throw problem(400, 'empty_request', 'the request holds no event')
  if (events.length > limits.events) {
    throw problem(413, 'too_many_events', `the request holds ${events.length} events; at most ${limits.events} at once`)
  }
  return events
}

function parseJson(text: string): unknown[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // Not the parser's own message: it quotes the body.
    throw malformedJson(text)
  }
  if (Array.isArray(value)) return value
  if (value === null || typeof value !== 'object')
    throw problem(400, 'invalid_request', 'the body must be an event or an array of events')
  return [value]
}

/** Stands for a line that is not JSON: it is refused like any event that is not an object. */
export const unreadable = Symbol('a line that is not JSON')

function parseLines(text: string): unknown[] {
  const events: unknown[] = []
  let from = 0
  while (from < text.length) {
    let to = text.indexOf('\n', from)
    if (to === -1) to = text.length
    const line = text.slice(from, to).trim()
    from = to + 1
    if (line === '') continue
    if (events.length > limits.events) break
    try {
      events.push(JSON.parse(line))
    } catch {
      events.push(unreadable)
    }
  }
  if (events.length > 0 && events.every(event => event === unreadable)) {
    throw problem(400, 'malformed_json', 'no line of the body is JSON')
  }
  return events
}

/** Milliseconds to add to a client's times: what its own X-Sent-At is off by, when that is more than a delay explains. */
export function clockCorrection(sentAt: string | undefined, receivedAt: number): number {
  if (sentAt === undefined) return 0
  // Thirteen digits are milliseconds for as long as this can matter; ten would be seconds.
  const sent = /^\d{13}$/.test(sentAt) ? Number(sentAt) : parseMoment(sentAt)
  if (sent === undefined) throw problem(400, 'invalid_sent_at', 'X-Sent-At must be RFC 3339 or milliseconds since 1970')
  const off = receivedAt - sent
  return Math.abs(off) > limits.skewMs ? off : 0
}
