import { randomUUIDv7 } from 'node:crypto'
import { InvalidMessageError, UndecodableError } from '../errors.ts'
import type { SchemaRegistry } from '../schema/registry.ts'
import type { Codec } from './codec.ts'
import { type Envelope, TextEnvelope } from './envelope.ts'
import { partitionOf } from './partition.ts'

/** What a publisher says. */
export interface NewMessage<Data = unknown> {
  /** Handled once for each id. Default: a new UUIDv7, which makes a retry of yours another message. */
  id?: string
  /** Messages of one key are handled in the order of their publishing. Default: no order. */
  key?: string
  type: string
  /** Of the type's schema, when there is a registry. Default: its latest. */
  version?: number
  data: Data
  /** Your own, as text. 64 at most. */
  headers?: Readonly<Record<string, string>>
  subject?: string
  /** When it happened, in milliseconds since 1970. Default: now. */
  time?: number
  /** W3C trace context of what caused it. */
  traceparent?: string
  tracestate?: string
  /** The id of the whole undertaking. Default: the message's own id. */
  correlationId?: string
  /** The id of the message that caused this one. */
  causationId?: string
}

/** What a handler is given. */
export interface Message<Data = unknown> {
  readonly id: string
  readonly key: string | null
  readonly type: string
  /** Of its schema; `null` when it was published without a registry. */
  readonly version: number | null
  readonly source: string
  readonly subject: string | null
  /** When it happened, in milliseconds since 1970. */
  readonly time: number
  readonly data: Data
  readonly headers: Readonly<Record<string, string>>
  readonly traceparent: string | null
  readonly tracestate: string | null
  readonly correlationId: string
  readonly causationId: string | null
  readonly topic: string
  readonly partition: number
  /** All CloudEvents attributes, as text. */
  readonly attributes: Readonly<Record<string, string>>
}

export interface Wording {
  /** The CloudEvents source of what is published. */
  source: string
  codec: Codec
  /** By content type. */
  codecs: ReadonlyMap<string, Codec>
  registry: SchemaRegistry | undefined
  wallNow: () => number
}

const longest = 500
const mostHeaders = 64
const longestHeader = 8_000

/** @throws InvalidMessageError, SchemaViolationError, or what the codec threw; nothing was sent */
export function envelopeOf(message: NewMessage, partitions: number, wording: Wording): Envelope {
  const id = message.id ?? randomUUIDv7()
  const { key = null, headers = noHeaders, type, subject, traceparent, tracestate, causationId } = message
  checkText('id', id)
  checkText('type', type)
  if (key !== null) checkText('key', key)
  if (headers !== noHeaders) checkHeaders(headers)
  const schema = wording.registry?.check(type, message.data, message.version)
  const attributes: Record<string, string> = {
    specversion: '1.0',
    id,
    source: wording.source,
    type,
    time: isoOf(message.time ?? wording.wallNow()),
    datacontenttype: wording.codec.contentType,
    correlationid: message.correlationId ?? id
  }
  if (subject !== undefined) attributes.subject = checkText('subject', subject)
  if (key !== null) attributes.partitionkey = key
  if (schema) attributes.dataschema = `urn:schema:${encodeURIComponent(type)}:${schema.version}`
  if (traceparent !== undefined) attributes.traceparent = checkText('traceparent', traceparent)
  if (tracestate !== undefined) attributes.tracestate = checkText('tracestate', tracestate)
  if (causationId !== undefined) attributes.causationid = checkText('causationid', causationId)
  const { codec } = wording
  const partition = partitionOf(key ?? id, partitions)
  const fresh = message.id === undefined
  if (!codec.encodeText) {
    return { id, key, partition, attributes, headers, data: codec.encode(message.data), fresh }
  }
  return new TextEnvelope({ id, key, partition, attributes, headers, text: codec.encodeText(message.data), fresh })
}

const noHeaders: Readonly<Record<string, string>> = Object.freeze({})

let lastMs = Number.NaN
let lastIso = ''

/** Many messages of one publisher have one time: its text is made once. */
function isoOf(ms: number): string {
  if (ms === lastMs) return lastIso
  lastIso = new Date(ms).toISOString()
  lastMs = ms
  return lastIso
}

/** @throws UndecodableError or SchemaViolationError: the message's fault, and no retry mends it */
export function messageOf(topic: string, envelope: Envelope, wording: Wording): Message {
  const { attributes, headers, id, key, partition } = envelope
  const contentType = attributes.datacontenttype ?? 'application/json'
  const codec = wording.codecs.get(contentType)
  if (!codec) throw new UndecodableError(`no codec is known for ${contentType}: give it in codecs`)
  const type = attributes.type ?? ''
  const version = versionIn(attributes.dataschema)
  let data: unknown
  try {
    const { text } = envelope
    data = text !== undefined && codec.decodeText ? codec.decodeText(text) : codec.decode(envelope.data)
  } catch (error) {
    throw new UndecodableError(`the data is not ${contentType}: ${(error as Error).message}`, { cause: error })
  }
  if (wording.registry && version !== null) wording.registry.check(type, data, version)
  return {
    id,
    key,
    type,
    version,
    source: attributes.source ?? '',
    subject: attributes.subject ?? null,
    time: Date.parse(attributes.time ?? '') || 0,
    data,
    headers,
    traceparent: attributes.traceparent ?? null,
    tracestate: attributes.tracestate ?? null,
    correlationId: attributes.correlationid ?? id,
    causationId: attributes.causationid ?? null,
    topic,
    partition,
    attributes
  }
}

function versionIn(dataschema: string | undefined): number | null {
  if (dataschema === undefined) return null
  const [, version] = /^urn:schema:[^:]+:(\d+)$/.exec(dataschema) ?? []
  return version === undefined ? null : Number(version)
}

function checkText(what: string, text: string): string {
  if (typeof text !== 'string' || text === '' || text.length > longest || text.includes('\0')) {
    throw new InvalidMessageError(`the ${what} of a message has 1 to ${longest} characters, and no NUL among them`)
  }
  return text
}

function checkHeaders(headers: Readonly<Record<string, string>>): void {
  const entries = Object.entries(headers)
  if (entries.length > mostHeaders) throw new InvalidMessageError(`a message has ${mostHeaders} headers at most`)
  for (const [name, value] of entries) {
    if (
      name === '' ||
      typeof value !== 'string' ||
      name.length + value.length > longestHeader ||
      value.includes('\0')
    ) {
      throw new InvalidMessageError(
        `header "${name}" is not text, has a NUL, or is longer than ${longestHeader} characters`
      )
    }
  }
}
