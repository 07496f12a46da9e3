import type { Queryable } from '@plimsoll/database'
import type { Position } from '../../broker.ts'
import type { Envelope } from '../../message/envelope.ts'
import type { Packed } from '../../sources/positional.ts'
import { bodyOf } from './body.ts'
import { madeNow, madeRange, madeSpan, madeUpTo } from './made-ids.ts'
import { placeOf } from './place.ts'
import { type Publication, packedOf, type SegmentRow, type SegmentValues, segmentsOf } from './segment.ts'

const columns = ['topic', 'partition', 'until', 'bytes', 'made_from', 'made_to', 'lines']

/** Rows of one statement: its texts are kept prepared, one for each number of rows. */
export const mostRows = 128

/** `undefined` when some of the ids have to be looked up first. */
export function freshRows(publications: readonly Publication[]): SegmentValues[] | undefined {
  return together(publications, few => {
    const span = madeSpan(few)
    return span && rowsOf(few, () => span)
  })
}

/** In the order of the calls: those whose segments are not made yet share them. */
function together(
  publications: readonly Publication[],
  make: (few: readonly Publication[]) => SegmentValues[] | undefined
): SegmentValues[] | undefined {
  const all: SegmentValues[] = []
  let few: Publication[] = []
  for (const each of [...publications, undefined]) {
    if (each && !each.rows) {
      few.push(each)
      continue
    }
    const rows = few.length === 0 ? [] : make(few)
    if (!rows) return
    few = []
    all.push(...rows, ...(each?.rows ?? []))
  }
  return all
}

type RangeOf = (messages: readonly Envelope[]) => [from: string, to: string] | null

function rowsOf(publications: readonly Publication[], madeIn: RangeOf): SegmentValues[] {
  return segmentsOf(publications).map(({ topic, partition, messages }) => {
    const body = bodyOf(messages)
    const [from, to] = madeIn(messages) ?? [null, null]
    return [topic, partition, messages.length, body.length, from, to, body]
  })
}

const insertions = new Map<string, string>()

export function insertion(schema: string, rows: number): string {
  const name = `${schema}/${rows}`
  const known = insertions.get(name)
  if (known) return known
  const row = (r: number) => `(${columns.map((_, c) => `$${r * columns.length + c + 1}`).join(', ')})`
  const values = Array.from({ length: rows }, (_, r) => row(r)).join(', ')
  const sql = `insert into "${schema}".segments (${columns.join(', ')}) values ${values}`
  insertions.set(name, sql)
  return sql
}

export async function insertRows(tx: Queryable, schema: string, rows: readonly SegmentValues[]): Promise<void> {
  for (let from = 0; from < rows.length; from += mostRows) {
    const part = rows.slice(from, from + mostRows)
    await tx.query(insertion(schema, part.length), part.flat())
  }
}

/** Of those that are not there yet, each id once; from then on it is there. */
export async function newRows(
  tx: Queryable,
  schema: string,
  publications: readonly Publication[]
): Promise<SegmentValues[]> {
  const isMade = madeNow(publications)
  const given = new Map<string, { topic: number; envelope: Envelope }>()
  for (const { topic, envelopes } of publications) {
    for (const envelope of envelopes) {
      const name = nameOf(topic, envelope.id)
      if (!isMade(envelope) && !given.has(name)) given.set(name, { topic, envelope })
    }
  }
  const fresh = await rememberIds(tx, schema, [...given.values()])
  const first = publications.map(publication => ({
    ...publication,
    envelopes: publication.envelopes.filter(envelope => {
      if (isMade(envelope)) return true
      const name = nameOf(publication.topic, envelope.id)
      return fresh.has(name) && given.get(name)!.envelope === envelope
    })
  }))
  return together(first, few => rowsOf(few, messages => madeRange(messages, isMade)))!
}

const nameOf = (topic: number, id: string) => `${topic}/${id}`

type Given = readonly { topic: number; envelope: Envelope }[]

/** Returns the names of those that were not there before. Who publishes one of them at the same time waits for the other's end. */
async function rememberIds(tx: Queryable, schema: string, given: Given): Promise<Set<string>> {
  if (given.length === 0) return new Set()
  const remembered = tx.query<{ topic: number; id: string }>(
    `insert into "${schema}".ids (topic, id) select * from unnest($1::int[], $2::text[])
     on conflict do nothing returning topic, id`,
    [given.map(({ topic }) => topic), given.map(({ envelope }) => envelope.id)]
  )
  const made = await madeBefore(tx, schema, given)
  const { rows } = await remembered
  const names = new Set(rows.map(({ topic, id }) => nameOf(topic, id)))
  for (const name of made) names.delete(name)
  return names
}

/** How the line of an asked id begins in a body `s`. One of before there were lines has no line break at all. */
const lineOfAsked = `case when strpos(s.lines, chr(10)) > 0 then chr(10) else '' end || '["' || asked.id || '",'`

/** Those of the ids that publish made by itself, for a message that is there. */
async function madeBefore(tx: Queryable, schema: string, given: Given): Promise<string[]> {
  const asked = given.flatMap(({ topic, envelope: { id } }) => {
    const upTo = madeUpTo(id)
    return upTo === undefined ? [] : [{ topic, id, upTo }]
  })
  if (asked.length === 0) return []
  const { rows } = await tx.query<{ topic: number; id: string }>(
    `select asked.topic, asked.id::text as id from unnest($1::int[], $2::uuid[], $3::uuid[]) asked(topic, id, up_to)
     where exists (select from "${schema}".segments s where s.topic = asked.topic and s.made_to >= asked.id
       and s.made_to <= asked.up_to and s.made_from <= asked.id and strpos(s.lines, ${lineOfAsked}) > 0)`,
    [asked.map(({ topic }) => topic), asked.map(({ id }) => id), asked.map(({ upTo }) => upTo)]
  )
  return rows.map(({ topic, id }) => nameOf(topic, id))
}

/** What is read at once at most, in bytes, about. */
const pageBytes = 1_000_000

const mostSegments = 200
const fewestSegments = 8

/** How many segments may hold so many messages, when each has about so many. */
export const segmentsFor = (messages: number, perSegment: number): number =>
  Math.min(messages, mostSegments, Math.max(fewestSegments, Math.ceil(messages / perSegment) + 1))

/**
 * Segments that have something behind `after`: about `limit` messages of them, and one at least; of the next `segments` rows,
 * which all are looked at.
 */
export async function readSegments(
  db: Queryable,
  schema: string,
  range: { topic: number; partition: number; after: Position; limit: number; segments: number }
): Promise<Packed[]> {
  const { topic, partition, after, limit, segments } = range
  const { xid, position, at } = placeOf(after)
  // In ORDER BY a bare xid would mean the text column of the answer, and as text 1000 comes before 999.
  const { rows } = await db.query<SegmentRow>(
    `select s.xid::text as xid, s.position, s.partition, s.first, s.until, s.bytes, s.lines as body,
       (extract(epoch from s.published_at) * 1000)::float8 as published
     from (select *, sum(n.bytes) over before as bytes_before, sum(n.until - n.first) over before as count_before
       from (select * from "${schema}".segments m where ${behind}
           and m.xid < pg_snapshot_xmin(pg_current_snapshot()) order by m.xid, m.position limit $8) n
       window before as (order by n.xid, n.position rows between unbounded preceding and 1 preceding)) s
     where coalesce(s.bytes_before, 0) < $7 and coalesce(s.count_before, 0) < $6 order by s.xid, s.position`,
    [topic, partition, xid, position, at, limit, pageBytes, segments]
  )
  return rows.map(packedOf)
}

/** Of segments `m` of topic $1 and partition $2: those with something behind the place $3, $4, $5. */
export const behind = `m.topic = $1 and m.partition = $2 and (m.xid, m.position) >= ($3::xid8, $4::bigint)
  and not (m.xid = $3::xid8 and m.position = $4::bigint and m.until <= $5::int + 1)`
