import { randomUUIDv7 } from 'node:crypto'
import { InvalidMessageError, UndecodableError } from '../errors.ts'
import type { SchemaRegistry } from '../schema/registry.ts'
import { type Codec, jsonCodec } from './codec.ts'
import { type Envelope, LazyEnvelope } from './envelope.ts'
import { partitionOf } from './partition.ts'
import { SharedAttributes } from './shared-attributes.ts'

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

/**
 * `now` is the time of one that tells none.
 * @throws InvalidMessageError, SchemaViolationError, or what the codec threw; nothing was sent
 */
export function envelopeOf(message: NewMessage, partitions: number, wording: Wording, now: number): Envelope {
  const { key = null, headers = noHeaders, type, subject, traceparent, tracestate, causationId } = message
  const { correlationId } = message
  const fresh = message.id === undefined
  const id = message.id === undefined ? randomUUIDv7() : checkText('id', message.id)
  if (key !== null) checkText('key', key)
  if (headers !== noHeaders) checkHeaders(headers)
  const schema = wording.registry?.check(type, message.data, message.version)
  const { codec, source } = wording
  const datacontenttype = codec.contentType
  const partition = partitionOf(key ?? id, partitions)
  const json = codec === jsonCodec
  const data = codec.encodeText ? codec.encodeText(message.data) : codec.encode(message.data)
  const time = isoOf(message.time ?? now)
  const told = subject ?? traceparent ?? tracestate ?? causationId ?? correlationId ?? schema
  if (told === undefined) {
    const common = sharedOf(source, type, time, datacontenttype)
    return new LazyEnvelope({ id, key, partition, headers, json, fresh, common, attributes: undefined }, data)
  }
  checkText('type', type)
  const attributes: Record<string, string> = {
    specversion: '1.0',
    id,
    source,
    type,
    time,
    datacontenttype,
    correlationid: correlationId ?? id
  }
  if (subject !== undefined) attributes.subject = checkText('subject', subject)
  if (key !== null) attributes.partitionkey = key
  if (schema) attributes.dataschema = `urn:schema:${encodeURIComponent(type)}:${schema.version}`
  if (traceparent !== undefined) attributes.traceparent = checkText('traceparent', traceparent)
  if (tracestate !== undefined) attributes.tracestate = checkText('tracestate', tracestate)
  if (causationId !== undefined) attributes.causationid = checkText('causationid', causationId)
  return new LazyEnvelope({ id, key, partition, headers, json, fresh, common: undefined, attributes }, data)
}

let lastShared = new SharedAttributes({})

/** Many messages of one publisher are alike in all but their ids, keys and data. */
function sharedOf(source: string, type: string, time: string, datacontenttype: string): SharedAttributes {
  const { attributes: last } = lastShared
  if (last.type !== type || last.time !== time || last.source !== source || last.datacontenttype !== datacontenttype) {
    checkText('type', type)
    lastShared = new SharedAttributes({ specversion: '1.0', source, type, time, datacontenttype })
  }
  return lastShared
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
  const { headers, id, key, partition } = envelope
  const common = envelope.common ?? new SharedAttributes(envelope.attributes)
  const { contentType, type, version } = common
  const codec = wording.codecs.get(contentType)
  if (!codec) throw new UndecodableError(`no codec is known for ${contentType}: give it in codecs`)
  const data = dataOf(envelope, contentType, codec)
  if (wording.registry && version !== null) wording.registry.check(type, data, version)
  return {
    id,
    key,
    type,
    version,
    source: common.source,
    subject: common.subject,
    time: common.time,
    data,
    headers,
    traceparent: common.traceparent,
    tracestate: common.tracestate,
    correlationId: common.correlationId ?? id,
    causationId: common.causationId,
    topic,
    partition,
    attributes: envelope.attributes
  }
}

function dataOf(envelope: Envelope, contentType: string, codec: Codec): unknown {
  if (envelope.value !== undefined && codec === jsonCodec) return envelope.value
  try {
    const { text } = envelope
    return text !== undefined && codec.decodeText ? codec.decodeText(text) : codec.decode(envelope.data)
  } catch (error) {
    throw new UndecodableError(`the data is not ${contentType}: ${(error as Error).message}`, { cause: error })
  }
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
