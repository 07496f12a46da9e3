import type { Queryable } from '@plimsoll/database'

/** SQL of what clients say they lost. */

/** Longer than any client keeps a report whose answer it did not see. */
const rememberedDays = 400

/** Adds a report to the books unless it was added before; resolves to whether it was. One statement, so all or nothing. */
export async function addLossReport(
  db: Queryable,
  project: string,
  id: string,
  losses: Readonly<Record<string, number>>
): Promise<boolean> {
  const { rows } = await db.query<{ added: boolean }>(
    `with fresh as (
       insert into telemetry.loss_reports (project, id, received_at) values ($1, $2, now()) on conflict do nothing returning id
     ), added as (
       insert into telemetry.client_losses as l (project, reason, count)
       select $1, u.reason, u.count from unnest($3::text[], $4::bigint[]) as u(reason, count)
       where exists (select from fresh) order by u.reason
       on conflict (project, reason) do update set count = l.count + excluded.count
     ), forgotten as (
       delete from telemetry.loss_reports where (project, id) in (
         select project, id from telemetry.loss_reports where received_at < now() - make_interval(days => ${rememberedDays})
         order by received_at limit 10 for update skip locked)
     )
     select exists (select from fresh) as added`,
    [project, id, Object.keys(losses), Object.values(losses)]
  )
  return rows[0]!.added
}

export async function readClientLosses(db: Queryable, project: string): Promise<Record<string, number>> {
  const { rows } = await db.query<{ reason: string; count: number }>(
    'select reason, count from telemetry.client_losses where project = $1 order by reason',
    [project]
  )
  return Object.fromEntries(rows.map(({ reason, count }) => [reason, count]))
}
