import { createReadStream } from 'node:fs'
import { type Database, open } from '@plimsoll/database'
import type { RunOptions } from '../form.ts'
import { startOwnPostgres } from '../own-postgres.ts'
import { type Answer, questionOf, sumOf, type Timed, timed } from './question.ts'

export interface Refreshed {
  ms: number
  /** The lock on the view while it is refreshed. */
  lock: string
  /** The longest that a reader who asked again and again waited for one answer, in milliseconds. */
  readerWaitedMs: number
}

export interface PostgresFigures {
  version: string
  raw: Timed
  view: Timed
  madeMs: number
  refresh: Refreshed
  concurrently: Refreshed
  answer: Answer
}

/** The same rows on a PostgreSQL of its own: the raw table, and a MATERIALIZED VIEW with its refreshes. */
export async function askPostgres(
  file: string,
  now: Date,
  times: number,
  note: RunOptions['note']
): Promise<PostgresFigures> {
  const server = await startOwnPostgres()
  try {
    const database = await open(server.url, { poolSize: 4, statementTimeoutMs: 300_000 })
    try {
      await load(database, file)
      note('  loaded into PostgreSQL')
      const rows = () => database.query<{ sessions: number; active: number }>(questionOf('sessions', now))
      const answer = sumOf((await rows()).rows)
      const raw = await timed(Math.min(times, 5), rows)
      const startedAt = performance.now()
      // What the dashboard asks of any region, so that one view serves all questions of this kind.
      await database.exec(`create materialized view active as
        select region, tier, date_trunc('day', started_at) as day, count(*) as sessions,
          count(*) filter (where last_at > timestamptz '${now.toISOString()}' - interval '24 hours') as active
        from sessions where started_at > timestamptz '${now.toISOString()}' - interval '7 days' group by 1, 2, 3;
        create unique index on active (region, tier, day)`)
      const madeMs = performance.now() - startedAt
      const view = await timed(times, () => askView(database))
      return {
        version: (await database.query<{ v: string }>('show server_version')).rows[0]!['server_version' as never],
        raw,
        view,
        madeMs: Math.round(madeMs),
        refresh: await refreshed(database, 'refresh materialized view active'),
        concurrently: await refreshed(database, 'refresh materialized view concurrently active'),
        answer
      }
    } finally {
      await database.close()
    }
  } finally {
    server.stop()
  }
}

const askView = (database: Database) =>
  database.query(`select tier, day, sessions, active from active where region = 'eu-west'`)

async function load(database: Database, file: string): Promise<void> {
  await database.exec(`create table sessions (project text not null, user_id text not null, started_at timestamptz not null,
    last_at timestamptz not null, tier text not null, region text not null)`)
  const columns = ['project', 'user_id', 'started_at', 'last_at', 'tier', 'region']
  let rest = ''
  for await (const chunk of createReadStream(file, { encoding: 'utf8', highWaterMark: 8 * 1024 * 1024 })) {
    const text = rest + chunk
    const end = text.lastIndexOf('\n') + 1
    rest = text.slice(end)
    await database.copyIn('sessions', columns, text.slice(0, end))
  }
  await database.exec('analyze sessions')
}

/** Refreshes once while another connection asks the view again and again. */
async function refreshed(database: Database, statement: string): Promise<Refreshed> {
  let over = false
  let readerWaitedMs = 0
  let lock = ''
  const reader = async () => {
    while (!over) {
      const startedAt = performance.now()
      await askView(database)
      readerWaitedMs = Math.max(readerWaitedMs, performance.now() - startedAt)
    }
  }
  const watcher = async () => {
    while (!over) {
      // By name the strongest comes first.
      const { rows } = await database.query<{ mode: string }>(
        `select mode from pg_locks where relation = 'active'::regclass and granted and mode like '%ExclusiveLock' order by 1 limit 1`
      )
      const [seen] = rows
      if (seen && (lock === '' || seen.mode < lock)) lock = seen.mode
    }
  }
  const startedAt = performance.now()
  const work = database.exec(statement)
  const beside = [reader(), watcher()]
  await work
  const ms = performance.now() - startedAt
  over = true
  await Promise.all(beside)
  return { ms: Math.round(ms), lock, readerWaitedMs: Math.round(readerWaitedMs * 100) / 100 }
}
