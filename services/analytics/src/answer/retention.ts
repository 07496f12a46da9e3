import type { Queryable } from '@plimsoll/database'
import type { Retention } from '../contract.ts'

export type Cohorts = Retention['cohorts']

const week = 7 * 86_400_000
/** Weeks after the first that are told; a cohort of long ago would have thousands. */
const longest = 104

/** The last `weeks` cohorts, oldest first. */
export async function readRetention(store: Queryable, project: string, weeks: number): Promise<Cohorts> {
  const { rows } = await store.query<{ cohort: string; weeks: number[]; counts: number[] }>(
    `select cohort, array_agg(week order by week) as weeks, array_agg(users order by week) as counts
     from analytics.retention_by_week where project = $1
       and cohort in (select distinct cohort from analytics.retention_by_week where project = $1 order by 1 desc limit $2)
     group by cohort order by cohort`,
    [project, weeks]
  )
  const last = rows.reduce(
    (latest, { cohort, weeks: seen }) => Math.max(latest, Date.parse(cohort) + seen.at(-1)! * week),
    0
  )
  return rows.map(({ cohort, weeks: seen, counts }) => {
    const after = new Map(seen.map((n, i) => [n, counts[i]!]))
    const length = Math.min(longest, Math.round((last - Date.parse(cohort)) / week)) + 1
    const retained = Array.from({ length }, (_, n) => after.get(n) ?? 0)
    return { week: cohort, users: retained[0]!, retained }
  })
}
