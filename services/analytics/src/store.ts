import { type Database, migrate, type Queryable } from '@plimsoll/database'
import { Projection } from '@plimsoll/eventlog'

/** The read side's tables, and the questions that are none of the dashboard's. */

export async function migrateAnalytics(store: Database): Promise<void> {
  await Projection.migrate(store)
  await migrate(store, 'analytics', new URL('./migrations/', import.meta.url))
}

export interface ProjectTotals {
  project: string
  counted: number
  sessions: number
  first_event: Date
  last_event: Date
}

export async function readProjects(store: Queryable): Promise<ProjectTotals[]> {
  const { rows } = await store.query<ProjectTotals>(
    `select project, sum(counted)::bigint as counted, sum(sessions)::bigint as sessions,
       min(first_event) as first_event, max(last_event) as last_event
     from analytics.projects group by project order by project limit 1000`
  )
  return rows
}

/** Accepted entries of a project that are in the read models. */
export async function readCounted(store: Queryable, project: string): Promise<number> {
  const { rows } = await store.query<{ counted: number }>(
    'select coalesce(sum(counted), 0)::bigint as counted from analytics.projects where project = $1',
    [project]
  )
  return rows[0]!.counted
}

/** Whether the log holds fewer entries than the views have counted: then it has been cut, and they cannot be made from it. */
export async function holdsLess(log: Queryable, store: Queryable): Promise<boolean> {
  const count = async (db: Queryable, sql: string) => (await db.query<{ n: number }>(sql)).rows[0]!.n
  const counted = await count(store, 'select coalesce(sum(counted), 0)::bigint as n from analytics.projects')
  // It counts some more: those that the system wrote by itself.
  return (await count(log, 'select count(*) as n from eventlog.entries')) < counted
}
