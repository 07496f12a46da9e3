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
const columnsOfStream = `e.version, e.xid, e.position, e.id, e.type,
  e.schema_version as "schemaVersion", round(date_part('epoch', e.recorded_at) * 1000) as "recordedAt",
  e.data::text as data, e.metadata`
export const columns = `e.stream, ${columnsOfStream}`

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
    `select ${columnsOfStream} from "${schema}".events e where e.stream = $1 and e.version between $2 and $3${where}
     order by e.version ${backward ? 'desc' : 'asc'} limit $4`,
    parameters
  )
  // Asked for by its name, so not sent with each.
  for (const row of rows) row.stream = stream
  return rows
}
