import type { Queryable } from '@plimsoll/database'
import type { Cursor } from '../entry.ts'

/** Who keeps committed events from readers. */
export interface Holder {
  /** Of the server's process; null for a prepared transaction. */
  pid: number | null
  /** Its running or last statement; null when this role may not see it (`pg_read_all_stats`). */
  query: string | null
  /** Of its transaction, in milliseconds. */
  ageMs: number | null
  /** `active`, `idle in transaction`, `prepared`, and so on. */
  state: string | null
  application: string | null
  database: string | null
}

export interface LagReport {
  /** Events behind the cursor that a reader can have now, counted to 100,000. */
  readable: number
  /** Committed events above the horizon, counted to 100,000. */
  held: number
  /** Of the oldest event behind the cursor, in milliseconds; 0 when there is none. */
  ageMs: number
  /** What holds the horizon back, when something is held. `null`: it ended meanwhile, or this role may not see it. */
  holder: Holder | null
}

const most = 100_000

/**
 * How far a reader at `cursor` is behind, and which backend holds the horizon: any writing transaction on the server does,
 * in another database too, and one that somebody prepared and forgot.
 */
export async function lagBehind(db: Queryable, schema: string, cursor: Cursor): Promise<LagReport> {
  const { rows } = await db.query<Omit<LagReport, 'holder'> & { horizon: string }>(
    `with behind as (
       select e.xid < pg_snapshot_xmin(pg_current_snapshot()) as ready, e.recorded_at from "${schema}".events e
       where (e.xid, e.position) > ($1::xid8, $2::bigint) order by e.xid, e.position limit $3
     )
     select count(*) filter (where ready)::int as readable,
       (select count(*) from (select from "${schema}".events e
         where e.xid >= pg_snapshot_xmin(pg_current_snapshot()) order by e.xid, e.position limit $3) h)::int as held,
       coalesce(greatest(0, extract(epoch from clock_timestamp() - min(recorded_at)) * 1000), 0)::float8 as "ageMs",
       pg_snapshot_xmin(pg_current_snapshot())::text as horizon
     from behind`,
    [cursor.xid, cursor.position, most]
  )
  const { horizon, ...lag } = rows[0]!
  return { ...lag, holder: lag.held > 0 ? await holderOf(db, horizon) : null }
}

/** Events behind a cursor: counted to 100,000, and beyond that judged by how far the last one's position is. */
export async function countBehind(db: Queryable, schema: string, cursor: Cursor): Promise<number> {
  const { rows } = await db.query<{ count: number; last: number | null }>(
    `select count(*)::int as count, (select l.position from "${schema}".events l order by l.xid desc, l.position desc limit 1) as last
     from (select from "${schema}".events e where (e.xid, e.position) > ($1::xid8, $2::bigint)
       order by e.xid, e.position limit $3) behind`,
    [cursor.xid, cursor.position, most]
  )
  const { count, last } = rows[0]!
  return count < most ? count : Math.max(count, (last ?? 0) - cursor.position)
}

async function holderOf(db: Queryable, horizon: string): Promise<Holder | null> {
  const { rows } = await db.query<Holder>(
    `select pid, query, (extract(epoch from clock_timestamp() - xact_start) * 1000)::float8 as "ageMs", state,
       application_name as application, datname as database
     from pg_stat_activity where backend_xid = $1::xid8::xid
     union all
     select null, gid, (extract(epoch from clock_timestamp() - prepared) * 1000)::float8, 'prepared', null, database
     from pg_prepared_xacts where transaction = $1::xid8::xid
     limit 1`,
    [horizon]
  )
  return rows[0] ?? null
}
