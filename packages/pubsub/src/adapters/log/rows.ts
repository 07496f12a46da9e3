import { isUtf8 } from 'node:buffer'
import { copyRow, type Queryable } from '@plimsoll/database'
import type { Delivery, Position } from '../../broker.ts'
import type { Envelope } from '../../message/envelope.ts'

const columns = ['topic', 'partition', 'id', 'key', 'about', 'words', 'bytes'] as const

function valuesOf(topic: number, { partition, id, key, attributes, headers, data }: Envelope): unknown[] {
  const isText = isUtf8(data) && !data.includes(0)
  const words = isText ? Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString() : null
  return [topic, partition, id, key, JSON.stringify([attributes, headers]), words, isText ? null : data]
}

/** The fastest way in. An id that is there refuses all (SQLSTATE 23505). */
export async function copyMessages(
  tx: Queryable,
  schema: string,
  messages: readonly { topic: number; envelope: Envelope }[]
): Promise<void> {
  let text = ''
  for (const { topic, envelope } of messages) text += copyRow(valuesOf(topic, envelope))
  await tx.copyIn(`"${schema}".messages`, columns, text)
}

/** Leaves out what is there, or comes twice. */
export async function insertMessages(
  tx: Queryable,
  schema: string,
  messages: readonly { topic: number; envelope: Envelope }[]
): Promise<void> {
  const rows = messages.map(({ topic, envelope }) => valuesOf(topic, envelope))
  await tx.query(
    `insert into "${schema}".messages (${columns.join(', ')})
     select topic, partition, id, key, about, words, bytes
     from unnest($1::int[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[])
       with ordinality n(topic, partition, id, key, about, words, bytes, i) order by i
     on conflict do nothing`,
    columns.map((_, column) => rows.map(row => row[column]))
  )
}

interface MessageRow {
  xid: string
  position: number
  partition: number
  id: string
  key: string | null
  published: number
  about: string
  words: string | null
  bytes: Buffer | null
}

/** As text that sorts as the pair does. */
export const positionText = ({ xid, position }: { xid: string; position: number | bigint }): string =>
  `${xid.padStart(20, '0')}.${String(position).padStart(19, '0')}`

export function placeOf(position: Position): [xid: string, position: string] {
  if (position === null) return ['0', '0']
  const [xid = '0', number = '0'] = position.split('.')
  return [String(BigInt(xid)), String(BigInt(number))]
}

export async function readMessages(
  db: Queryable,
  schema: string,
  range: { topic: number; partition: number; after: Position; limit: number }
): Promise<Delivery[]> {
  const { topic, partition, after, limit } = range
  // In ORDER BY a bare xid would mean the text column of the answer, and as text 1000 comes before 999.
  const { rows } = await db.query<MessageRow>(
    `select m.xid::text as xid, m.position, m.partition, m.id, m.key, m.about, m.words, m.bytes,
       (extract(epoch from m.published_at) * 1000)::float8 as published
     from "${schema}".messages m
     where m.topic = $1 and m.partition = $2 and (m.xid, m.position) > ($3::xid8, $4::bigint)
       and m.xid < pg_snapshot_xmin(pg_current_snapshot())
     order by m.xid, m.position limit $5`,
    [topic, partition, ...placeOf(after), limit]
  )
  return rows.map(deliveryOf)
}

function deliveryOf(row: MessageRow): Delivery {
  const { id, key, partition, about, words, bytes, published } = row
  const [attributes, headers] = JSON.parse(about) as [Record<string, string>, Record<string, string>]
  const data = words === null ? bytes! : Buffer.from(words)
  return {
    envelope: { id, key, partition, attributes, headers, data },
    position: positionText(row),
    publishedAt: published
  }
}
