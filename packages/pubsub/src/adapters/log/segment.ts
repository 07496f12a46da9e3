import { isUtf8 } from 'node:buffer'
import type { Delivery } from '../../broker.ts'
import { type Envelope, TextEnvelope } from '../../message/envelope.ts'
import type { Packed } from '../../sources/positional.ts'
import { positionText, segmentText } from './place.ts'

/** Messages of one topic and partition, as they are written together. */
export interface Segment {
  readonly topic: number
  readonly partition: number
  readonly messages: readonly Envelope[]
}

/** What is published together to one topic. */
export interface Publication {
  readonly topic: number
  readonly envelopes: readonly Envelope[]
}

export const mostMessages = 1_000
const mostBytes = 1_000_000

/** Keeps the order within each partition. A segment is never larger than a reader takes at once, save for one large message. */
export function segmentsOf(publications: readonly Publication[]): Segment[] {
  const open = new Map<number, { topic: number; partition: number; messages: Envelope[]; bytes: number }>()
  const segments: Segment[] = []
  for (const { topic, envelopes } of publications) {
    for (const envelope of envelopes) {
      const { partition, text } = envelope
      const place = topic * 1_024 + partition
      const bytes = (text === undefined ? envelope.data.byteLength : text.length) + 200
      let segment = open.get(place)
      if (!segment || segment.messages.length === mostMessages || segment.bytes + bytes > mostBytes) {
        segment = { topic, partition, messages: [], bytes: 0 }
        segments.push(segment)
        open.set(place, segment)
      }
      segment.messages.push(envelope)
      segment.bytes += bytes
    }
  }
  return segments
}

/**
 * A message in a body: id, key, data (text, or base64 in a list), the attributes that are not as the first message's, and
 * headers. What is at the end and empty is left out.
 */
type Written = [
  id: string,
  key: string | null,
  data: string | [base64: string],
  own?: Record<string, string | null>,
  headers?: Readonly<Record<string, string>>
]

/** Attributes that say what is said already, and so are written only where they do not. */
const derived = new Set(['id', 'correlationid', 'partitionkey'])

/** One text a segment: written and read by one call of JSON, which costs less than a row a message. */
export function bodyOf(messages: readonly Envelope[]): string {
  const { attributes } = messages[0]!
  const names = Object.keys(attributes).filter(name => !derived.has(name))
  const compared = names.filter(name => name !== 'time')
  const shared = Object.fromEntries(names.map(name => [name, attributes[name]!]))
  const values = compared.map(name => shared[name]!)
  const written = messages.map(message => {
    const { id, key, headers } = message
    const own = isLike(message, compared, values, names.length) ? timeOf(message, shared) : ownOf(message, shared)
    const data = writtenData(message)
    for (const _ in headers) return [id, key, data, own ?? {}, headers]
    return own ? [id, key, data, own] : [id, key, data]
  })
  return JSON.stringify([shared, written])
}

/** True when a message has these attributes, the derived ones and and a time where the first has one: nearly all of one publisher. */
function isLike(
  { id, key, attributes }: Envelope,
  names: readonly string[],
  values: readonly string[],
  shared: number
): boolean {
  for (let i = 0; i < names.length; i++) if (attributes[names[i]!] !== values[i]) return false
  if (attributes.id !== id || attributes.correlationid !== id) return false
  if (key !== null && attributes.partitionkey !== key) return false
  let count = 0
  for (const _ in attributes) count++
  return count === shared + (key === null ? 2 : 3) && (shared === names.length || attributes.time !== undefined)
}

const timeOf = (
  { attributes: { time } }: Envelope,
  shared: Record<string, string>
): Record<string, string> | undefined => (time === undefined || time === shared.time ? undefined : { time })

function ownOf({ id, key, attributes }: Envelope, shared: Record<string, string>): Record<string, string | null> {
  const expected = attributesOf(id, key, shared)
  const own: Record<string, string | null> = {}
  for (const name of Object.keys(attributes)) {
    if (!Object.hasOwn(expected, name) || expected[name] !== attributes[name]) own[name] = attributes[name]!
  }
  for (const name of Object.keys(expected)) if (!Object.hasOwn(attributes, name)) own[name] = null
  return own
}

const attributesOf = (id: string, key: string | null, shared: Record<string, string>): Record<string, string> =>
  key === null ? { ...shared, id, correlationid: id } : { ...shared, id, correlationid: id, partitionkey: key }

function writtenData(envelope: Envelope): string | [string] {
  if (envelope.text !== undefined) return envelope.text
  const { data } = envelope
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  return isUtf8(bytes) ? bytes.toString() : [bytes.toString('base64')]
}

export interface SegmentRow {
  xid: string
  position: number
  partition: number
  first: number
  until: number
  bytes: number
  published: number
  body: string
}

export function packedOf(row: SegmentRow): Packed {
  const { xid, position, first, until, bytes } = row
  const last = positionText(segmentText(xid, position), until - 1)
  return { last, count: until - first, bytes, unpack: () => deliveriesOf(row) }
}

function deliveriesOf(row: SegmentRow): Delivery[] {
  const { partition, first, published: publishedAt } = row
  const [shared, messages] = JSON.parse(row.body) as [Record<string, string>, Written[]]
  const segment = segmentText(row.xid, row.position)
  const deliveries: Delivery[] = []
  for (let i = 0; i < messages.length; i++) {
    const [id, key, data, own, headers = {}] = messages[i]!
    const attributes = attributesOf(id, key, shared)
    if (own) setOwn(attributes, own)
    const parts = { id, key, partition, attributes, headers }
    deliveries.push({
      envelope:
        typeof data === 'string'
          ? new TextEnvelope({ ...parts, text: data })
          : { ...parts, data: Buffer.from(data[0], 'base64') },
      position: positionText(segment, first + i),
      publishedAt
    })
  }
  return deliveries
}

function setOwn(attributes: Record<string, string>, own: Record<string, string | null>): void {
  for (const name in own) {
    const value = own[name]
    if (value === null || value === undefined) delete attributes[name]
    else attributes[name] = value
  }
}

/** The same body without its first messages, and their ids. */
export function withoutFirst(body: string, count: number): { body: string; ids: string[] } {
  const [shared, messages] = JSON.parse(body) as [Record<string, string>, Written[]]
  const ids = messages.slice(0, count).map(([id]) => id)
  return { body: JSON.stringify([shared, messages.slice(count)]), ids }
}
