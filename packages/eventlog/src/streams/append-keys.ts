import type { Queryable } from '@plimsoll/database'
import type { Cursor } from '../entry.ts'
import type { AppendedAll } from './append.ts'

/** What became of the request with this key, when one was written. */
export async function readAppended(db: Queryable, schema: string, key: string): Promise<AppendedAll | undefined> {
  const { rows } = await db.query<Cursor & { starts: number[]; versions: number[] }>(
    `select starts, versions, xid::text as xid, position from "${schema}".append_keys where key = $1`,
    [key]
  )
  const row = rows[0]
  return (
    row && {
      starts: row.starts,
      versions: row.versions,
      cursor: { xid: row.xid, position: row.position },
      repeated: true
    }
  )
}

/** Forgets the keys of requests that were written before a moment, 10,000 at most. Returns how many. */
export async function forgetAppends(db: Queryable, schema: string, before: number): Promise<number> {
  const { affected } = await db.query(
    `delete from "${schema}".append_keys where key = any(array(
       select key from "${schema}".append_keys where recorded_at < $1 limit 10000))`,
    [new Date(before)]
  )
  return affected
}
