import { isUtf8 } from 'node:buffer'
import type { Delivery } from '../../broker.ts'
import type { Envelope } from '../../message/envelope.ts'
import { positionText, segmentText } from './place.ts'

/** Messages of one topic and partition, as they are written together. */
export interface Segment {
  readonly topic: number
  readonly partition: number
  readonly messages: readonly Envelope[]
}

export const mostMessages = 1_000
const mostBytes = 1_000_000

/** Keeps the order within each partition. A segment is never larger than a reader takes at once, save for one large message. */
export function segmentsOf(messages: readonly { topic: number; envelope: Envelope }[]): Segment[] {
  const open = new Map<number, { topic: number; partition: number; messages: Envelope[]; bytes: number }>()
  const segments: Segment[] = []
  for (const { topic, envelope } of messages) {
    const { partition } = envelope
    const place = topic * 1_024 + partition
    const bytes = envelope.data.byteLength + 200
    let segment = open.get(place)
    if (!segment || segment.messages.length === mostMessages || segment.bytes + bytes > mostBytes) {
      segment = { topic, partition, messages: [], bytes: 0 }
      segments.push(segment)
      open.set(place, segment)
    }
    segment.messages.push(envelope)
    segment.bytes += bytes
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
  const shared: Record<string, string> = Object.create(null)
  const { attributes } = messages[0]!
  for (const name in attributes) if (!derived.has(name)) shared[name] = attributes[name]!
  const names = Object.keys(shared).length
  return JSON.stringify([shared, messages.map(message => writtenOf(message, shared, names))])
}

function writtenOf(
  { id, key, attributes, headers, data }: Envelope,
  shared: Record<string, string>,
  names: number
): Written {
  let own: Record<string, string | null> | undefined
  let met = 0
  for (const name in attributes) {
    const value = attributes[name]!
    if (shared[name] !== undefined) {
      met++
      if (shared[name] === value) continue
    } else if (value === (name === 'partitionkey' ? key : name === 'id' || name === 'correlationid' ? id : undefined)) {
      continue
    }
    own = { ...own, [name]: value }
  }
  if (met < names) for (const name in shared) if (!Object.hasOwn(attributes, name)) own = { ...own, [name]: null }
  if (attributes.id === undefined) own = { ...own, id: null }
  if (attributes.correlationid === undefined) own = { ...own, correlationid: null }
  if (attributes.partitionkey === undefined && key !== null) own = { ...own, partitionkey: null }
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  const written = isUtf8(bytes) ? bytes.toString() : ([bytes.toString('base64')] as [string])
  for (const _ in headers) return [id, key, written, own ?? {}, headers]
  return own ? [id, key, written, own] : [id, key, written]
}

export interface SegmentRow {
  xid: string
  position: number
  partition: number
  first: number
  published: number
  body: string
}

/** The messages of a segment, those from the place `from` on. */
export function deliveriesOf(row: SegmentRow, from: number): Delivery[] {
  const { partition, first, published: publishedAt } = row
  const [shared, messages] = JSON.parse(row.body) as [Record<string, string>, Written[]]
  const segment = segmentText(row.xid, row.position)
  const deliveries: Delivery[] = []
  for (let i = Math.max(0, from - first); i < messages.length; i++) {
    const [id, key, data, own, headers = {}] = messages[i]!
    const attributes: Record<string, string> =
      key === null ? { ...shared, id, correlationid: id } : { ...shared, id, correlationid: id, partitionkey: key }
    if (own) setOwn(attributes, own)
    const bytes = typeof data === 'string' ? Buffer.from(data) : Buffer.from(data[0], 'base64')
    deliveries.push({
      envelope: { id, key, partition, attributes, headers, data: bytes },
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
