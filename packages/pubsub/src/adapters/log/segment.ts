import type { Envelope } from '../../message/envelope.ts'
import type { Packed } from '../../sources/positional.ts'
import { Body } from './body.ts'
import { positionText, segmentText } from './place.ts'

/** Messages of one topic and partition, as they are written together. */
export interface Segment {
  readonly topic: number
  readonly partition: number
  readonly messages: readonly Envelope[]
}

/** A row of a segment, in the order of the columns that are written. */
export type SegmentValues = readonly unknown[]

/** What is published together to one topic: messages, or segments that were made of them. */
export interface Publication {
  readonly topic: number
  readonly envelopes: readonly Envelope[]
  readonly rows?: readonly SegmentValues[] | undefined
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
  const { first, until, bytes, published: publishedAt } = row
  const segment = segmentText(row.xid, row.position)
  const count = until - first
  let body: Body | undefined
  return {
    count,
    bytes,
    publishedAt,
    positionOf: index => positionText(segment, first + index),
    envelopeAt(index) {
      body ??= new Body(row.body, count, row.partition)
      return body.envelopeAt(index)
    }
  }
}
