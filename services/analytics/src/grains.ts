import type { Database } from '@plimsoll/database'
import type { Clock, TimerHandle } from '@plimsoll/resilience'

/** How long the fine rows are kept. The hours and days they were added up into stay. */
export interface Keep {
  /** Minutes of activity, in milliseconds; questions look back 24 hours. Default two days. */
  minutesMs: number
  /** Hours, in milliseconds. Ranges that begin earlier are answered by whole days. Default 400 days. */
  hoursMs: number
}

const day = 86_400_000
export const defaultKeep: Keep = { minutesMs: 2 * day, hoursMs: 400 * day }

const fine = [
  { width: 'm', tables: ['session_activity'], keep: 'minutesMs' },
  { width: 'h', tables: ['session_stats', 'session_activity', 'use_stats', 'feature_stats'], keep: 'hoursMs' }
] as const

/** Rows a statement; readers wait no longer than it takes. */
const atOnce = 1_000

/**
 * Removes rows of minutes and hours that no question asks for any more. What comes late may make some of them anew, and they
 * go again. Returns how many went.
 */
export async function dropFineGrains(store: Database, now: number, keep: Keep): Promise<number> {
  const { rows: projects } = await store.query<{ project: string }>('select distinct project from analytics.projects')
  let dropped = 0
  for (const { project } of projects) {
    for (const { width, tables, keep: kept } of fine) {
      for (const table of tables) dropped += await dropOlder(store, table, project, width, new Date(now - keep[kept]))
    }
  }
  return dropped
}

async function dropOlder(
  store: Database,
  table: string,
  project: string,
  width: string,
  before: Date
): Promise<number> {
  for (let dropped = 0; ; ) {
    const { rows } = await store.query<{ n: number }>(
      `with gone as (delete from analytics.${table} where ctid = any(array(
         select ctid from analytics.${table} where project = $1 and width = $2::"char" and bucket < $3 limit $4)) returning 1)
       select count(*) as n from gone`,
      [project, width, before, atOnce]
    )
    dropped += rows[0]!.n
    if (rows[0]!.n < atOnce) return dropped
  }
}

export interface GrainsOptions {
  store: Database
  keep: Keep
  now(): number
  clock: Clock
  onError?: ((error: unknown) => void) | undefined
}

const everyMs = 3_600_000

/** Drops fine rows every hour. Returns the way to stop. */
export function keepGrains({ store, keep, now, clock, onError }: GrainsOptions): () => void {
  let timer: TimerHandle
  let stopped = false
  const wait = () => {
    if (!stopped) timer = clock.setTimer(() => void round(), everyMs)
  }
  const round = async () => {
    await dropFineGrains(store, now(), keep).catch(error => onError?.(error))
    wait()
  }
  wait()
  return () => {
    stopped = true
    clock.clearTimer(timer)
  }
}
