import { AnswerTooLargeError } from './errors.ts'

export type AnswerHeaders = Record<string, string | string[]>

/** What a handler answers. */
export interface HandlerAnswer {
  /** From 200 to 599. */
  status: number
  headers?: Record<string, string | number | readonly string[] | undefined>
  /** A string and bytes go out as they are, anything else as JSON. */
  body?: unknown
  /**
   * Commit the transaction and keep this answer although its status alone would not: for a 502 after an effect that must
   * not happen twice. Default false.
   */
  commit?: boolean
}

/** What a caller is sent: names of headers in lower case, the body as bytes. */
export interface Answer {
  status: number
  headers: AnswerHeaders
  body: Buffer
}

/** Client errors that say something of the moment or of the caller, not of the request: later they may not be true. */
const passing = new Set([401, 403, 408, 409, 425, 429])

/**
 * Whether an answer is kept. Kept and committed are one thing: what is not kept is rolled back, so that a retry finds
 * nothing half done.
 */
export function isKept({ status, commit = false }: HandlerAnswer): boolean {
  return commit || (status < 500 && !passing.has(status))
}

/** @throws TypeError for a status that is none, AnswerTooLargeError for a body above the limit */
export function answerOf(given: HandlerAnswer, maxAnswerBytes: number): Answer {
  if (!Number.isInteger(given.status) || given.status < 200 || given.status > 599) {
    throw new TypeError(`a handler answers with a status from 200 to 599, not ${given.status}`)
  }
  const headers: AnswerHeaders = {}
  for (const [name, value] of Object.entries(given.headers ?? {})) {
    if (value !== undefined) headers[name.toLowerCase()] = typeof value === 'object' ? [...value] : String(value)
  }
  const { body } = given
  const bytes = bytesOf(body)
  if (bytes.length > maxAnswerBytes) throw new AnswerTooLargeError(bytes.length, maxAnswerBytes)
  const isJson = body !== undefined && body !== null && typeof body !== 'string' && !(body instanceof Uint8Array)
  if (isJson) headers['content-type'] ??= 'application/json; charset=utf-8'
  return { status: given.status, headers, body: bytes }
}

function bytesOf(body: unknown): Buffer {
  if (body === undefined || body === null) return Buffer.alloc(0)
  if (body instanceof Uint8Array) return Buffer.from(body)
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
}

/** What a replay carries unless told otherwise: what describes the answer, and nothing that describes the exchange. */
export const REPLAYED_HEADERS: readonly string[] = [
  'content-disposition',
  'content-language',
  'content-location',
  'content-type',
  'etag',
  'last-modified',
  'link',
  'location'
]

/** These belong to one caller or one exchange: replayed they would be another's session, or a lie. */
const neverReplayed = new Set([
  'set-cookie',
  'date',
  'age',
  'connection',
  'content-length',
  'transfer-encoding',
  'traceparent',
  'tracestate',
  'traceresponse',
  'baggage',
  'server-timing',
  'x-request-id',
  'x-correlation-id',
  'idempotent-replayed'
])

/** @throws RangeError for a header that is never replayed */
export function allowedHeaders(names: readonly string[]): ReadonlySet<string> {
  const allowed = new Set(names.map(name => name.toLowerCase()))
  for (const name of allowed) {
    if (neverReplayed.has(name)) throw new RangeError(`'${name}' belongs to one exchange and is never replayed`)
  }
  return allowed
}

/** The part of an answer that is kept for replays. */
export function keptPart(answer: Answer, allowed: ReadonlySet<string>): Answer {
  const headers = Object.fromEntries(Object.entries(answer.headers).filter(([name]) => allowed.has(name)))
  return { ...answer, headers }
}
