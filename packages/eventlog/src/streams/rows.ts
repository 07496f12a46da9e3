import type { Queryable } from '@plimsoll/database'
import type { Cursor } from '../entry.ts'
import type { EventMetadata } from './event.ts'

/** An event as it lies in the table: its data in the shape in which it was written, still JSON text. */
export interface EventRow extends Cursor {
  stream: string
  version: number
  id: string
  type: string
  schemaVersion: number
  recordedAt: number
  data: string
  metadata: EventMetadata | null
}

/** JSON as text: parsing it is no work for the one thread of an embedded engine. */
const columns = `e.stream, e.version, e.xid::text as xid, e.position, e.id::text as id, e.type,
  e.schema_version as "schemaVersion", (extract(epoch from e.recorded_at) * 1000)::float8 as "recordedAt",
  e.data::text as data, e.metadata`

export interface StreamRange {
  /** Versions, both included. */
  from: number
  to: number
  backward: boolean
  limit: number
  /** Nothing behind this place of the global order. */
  until: Cursor | undefined
  /** Nothing behind the last event that was recorded at or before this, in milliseconds since 1970. */
  at: number | undefined
}

export async function readStreamRows(
  db: Queryable,
  schema: string,
  stream: string,
  { from, to, backward, limit, until, at }: StreamRange
): Promise<EventRow[]> {
  const parameters: unknown[] = [stream, from, to, limit]
  let where = ''
  if (until) {
    parameters.push(until.xid, until.position)
    where += ` and (e.xid, e.position) <= ($${parameters.length - 1}::xid8, $${parameters.length}::bigint)`
  }
  if (at !== undefined) {
    parameters.push(stream, new Date(at))
    where += ` and e.version <= (select max(t.version) from "${schema}".events t
      where t.stream = $${parameters.length - 1} and t.recorded_at <= $${parameters.length})`
  }
  const { rows } = await db.query<EventRow>(
    `select ${columns} from "${schema}".events e where e.stream = $1 and e.version between $2 and $3${where}
     order by e.version ${backward ? 'desc' : 'asc'} limit $4`,
    parameters
  )
  return rows
}

/** Which events of the global order. An absent list means all. */
export interface Filter {
  /** Streams named so, or so and then `/`. */
  category?: string | undefined
  types?: readonly string[] | undefined
}

export interface OrderRange extends Filter {
  /** Right behind this place; backward: right before it. */
  from: Cursor | undefined
  until: Cursor | undefined
  backward: boolean
  limit: number
}

export interface RowPage {
  rows: EventRow[]
  /** Where the next page begins: behind all that was looked at, wanted or not. */
  cursor: Cursor | undefined
  /** True when nothing committed lies behind what was looked at, not even above the horizon. */
  caughtUp: boolean
}

/** Events that one look at a filtered log passes at most, so that a look for something rare has an end. */
const widest = 10_000

/**
 * A page of the global order, of what lies below the horizon: the number of the oldest transaction still writing. Above it
 * a slower transaction may still commit with a lower place. One statement, so one snapshot, tells the page and the horizon.
 */
export async function readOrderRows(db: Queryable, schema: string, range: OrderRange): Promise<RowPage> {
  const { from, until, backward, limit, category, types } = range
  const filtered = category !== undefined || types !== undefined
  const window = filtered ? Math.max(limit, widest) : limit
  const parameters: unknown[] = [window]
  const bind = (value: unknown) => `$${parameters.push(value)}`
  const place = ({ xid, position }: Cursor) => `(${bind(xid)}::xid8, ${bind(position)}::bigint)`
  const direction = backward ? 'desc' : 'asc'
  let where = 'e.xid < pg_snapshot_xmin(pg_current_snapshot())'
  if (from) where += ` and (e.xid, e.position) ${backward ? '<' : '>'} ${place(from)}`
  if (until) where += ` and (e.xid, e.position) ${backward ? '>' : '<='} ${place(until)}`
  let wanted = 'true'
  if (category !== undefined) {
    const name = bind(category)
    wanted += ` and (e.stream = ${name} or starts_with(e.stream, ${name} || '/'))`
  }
  if (types) wanted += ` and e.type = any(${bind(types)}::text[])`
  // In ORDER BY a bare name would mean the text column of the answer, and as text 1000 comes before 999.
  const { rows } = await db.query<EventRow & { held: boolean; seen: number; nth: number; wanted: boolean }>(
    `select h.held, p.* from
       (select exists (select from "${schema}".events a where a.xid >= pg_snapshot_xmin(pg_current_snapshot())) as held) h
     left join lateral (
       select ${columns}, e.wanted, e.seen, e.nth from (
         select e.*, ${wanted} as wanted, count(*) over ()::int as seen,
           row_number() over (order by e.xid ${direction}, e.position ${direction})::int as nth
         from (select * from "${schema}".events e where ${where}
           order by e.xid ${direction}, e.position ${direction} limit $1) e
       ) e where e.wanted or e.nth = e.seen
     ) p on true order by p.nth`,
    parameters
  )
  const found = rows.filter(({ position }) => position !== null)
  const seen = found[0]?.seen ?? 0
  const taken = found.filter(row => row.wanted).slice(0, limit)
  const cut = found.filter(row => row.wanted).length > limit
  const last = cut ? taken.at(-1) : found.at(-1)
  return {
    rows: taken.map(({ held: _h, seen: _s, nth: _n, wanted: _w, ...row }) => row),
    cursor: last && { xid: last.xid, position: last.position },
    caughtUp: !cut && seen < window && !rows[0]!.held
  }
}
