import type { Queryable } from '@plimsoll/database'
import { type Cursor, start } from '../entry.ts'

/**
 * A consistent cut of the whole store: each transaction whole or not at all, each stream up to some version. With `at`
 * it has nothing that was recorded later than that; without, it is the horizon of now. What a follower of the log could
 * have seen at that moment is in it, and a transaction that was still under way is not, nor what committed behind it.
 */
export async function cutAt(db: Queryable, schema: string, at?: number): Promise<Cursor> {
  const parameters: unknown[] = []
  let later = ''
  if (at !== undefined) {
    parameters.push(new Date(at))
    later = ` and e.xid < coalesce((select l.xid from "${schema}".events l where l.recorded_at > $1 order by l.xid limit 1),
      pg_snapshot_xmin(pg_current_snapshot()))`
  }
  const { rows } = await db.query<Cursor>(
    `select e.xid::text as xid, e.position from "${schema}".events e
     where e.xid < pg_snapshot_xmin(pg_current_snapshot())${later} order by e.xid desc, e.position desc limit 1`,
    parameters
  )
  return rows[0] ?? start
}
