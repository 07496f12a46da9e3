import type { Database, Queryable } from '@plimsoll/database'
import type { Clock, TimerHandle } from '@plimsoll/resilience'

/**
 * Keeps the ledger short: who asks for the books adds up all rows of a project. Minutes that are old become one row a day
 * of UTC, at its first minute; the sums stay what they are.
 */

const dayMs = 86_400_000
/** Days whose minutes are kept one by one. */
const keptDays = 35
/** Minutes of one statement at most: an embedded engine does nothing else meanwhile. */
const atOnce = 1_000
/** Statements of one round at most. A store that was never folded takes several. */
const mostBatches = 100
const firstAfterMs = 60_000
const everyMs = 3_600_000

/**
 * Folds up to a thousand minutes before `before` (milliseconds since 1970, the start of a day) into their days, and resolves
 * to how many, whichever they are: in order they would all be sorted each time. One statement, so what is taken away is
 * added in the same moment or not at all, and another process that does the same at the same time takes other rows or none.
 */
export async function foldMinutes(db: Queryable, before: number): Promise<number> {
  const { rows } = await db.query<{ folded: number }>(
    `with recursive projects (project) as (
       (select project from telemetry.ledger order by project limit 1)
       union all
       select (select l.project from telemetry.ledger l where l.project > p.project order by l.project limit 1)
       from projects p where p.project is not null
     ), taken as (
       delete from telemetry.ledger where ctid = any (array (
         select old.place from projects p cross join lateral (
           select l.ctid as place from telemetry.ledger l
           where l.project = p.project and l.minute < $1 and l.minute <> date_trunc('day', l.minute, 'UTC')
           limit ${atOnce}
         ) old limit ${atOnce}
       )) returning *
     ), days as (
       insert into telemetry.ledger as l (project, minute, received, accepted, duplicate, rejected, quarantined)
       select project, date_trunc('day', minute, 'UTC'), sum(received)::bigint, sum(accepted)::bigint,
         sum(duplicate)::bigint, sum(rejected)::bigint, sum(quarantined)::bigint
       from taken group by 1, 2 order by 1, 2
       on conflict (project, minute) do update set received = l.received + excluded.received,
         accepted = l.accepted + excluded.accepted, duplicate = l.duplicate + excluded.duplicate,
         rejected = l.rejected + excluded.rejected, quarantined = l.quarantined + excluded.quarantined
     )
     select count(*)::int as folded from taken`,
    [new Date(before)]
  )
  return rows[0]!.folded
}

export interface LedgerFolding {
  start(): void
  /** Ends after the statement under way. */
  stop(): Promise<void>
}

/** Folds a minute after the start and every hour. */
export function ledgerFolding(
  database: Database,
  { clock, onError }: { clock: Clock; onError(error: unknown): void }
): LedgerFolding {
  let running = false
  let timer: TimerHandle | undefined
  let round: Promise<void> = Promise.resolve()
  const fold = async () => {
    const before = Math.floor(clock.wallNow() / dayMs - keptDays) * dayMs
    for (let batch = 0; running && batch < mostBatches; batch++) {
      if ((await foldMinutes(database, before)) < atOnce) return
    }
  }
  const again = (ms: number) => {
    timer = clock.setTimer(() => {
      round = round.then(fold).catch(onError)
      again(everyMs)
    }, ms)
  }
  return {
    start() {
      running = true
      again(firstAfterMs)
    },
    async stop() {
      running = false
      if (timer !== undefined) clock.clearTimer(timer)
      await round
    }
  }
}
