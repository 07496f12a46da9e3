import { type Database, migrate, type Queryable, type Transaction } from '@plimsoll/database'
import { type LogEntry, Projection } from '@plimsoll/eventlog'
import { distinct, histogram } from '@plimsoll/sketches'
import type { Deltas, FeatureRow, SessionRow, Sketches, UseRow } from './fold/deltas.ts'
import { foldEntries } from './fold/fold.ts'
import { SketchCache } from './sketch-cache.ts'

/** Everything the read side writes. */

export async function migrateAnalytics(store: Database): Promise<void> {
  await Projection.migrate(store)
  await migrate(store, 'analytics', new URL('./migrations/', import.meta.url))
}

/** Features a project may have by name; a client with unbounded names must not have unbounded rows. */
const featureLimit = 1_000
const otherFeatures = '(other)'

/** Applies log entries to the read models, in the projection's transaction. */
export async function applyEntries(
  tx: Transaction,
  entries: readonly LogEntry[],
  cache = new SketchCache()
): Promise<void> {
  const deltas = foldEntries(entries, await nameFeatures(tx, entries))
  await Promise.all([
    addSessions(tx, 'session_stats', [...deltas.started.values()]),
    addSessions(tx, 'session_activity', [...deltas.active.values()]),
    addUses(tx, deltas.uses, cache),
    addFeatures(tx, deltas.features, cache),
    addProjects(tx, deltas)
  ])
}

/** Which name each feature is counted under: its own while the project has room, decided in the order of the log. */
async function nameFeatures(
  tx: Transaction,
  entries: readonly LogEntry[]
): Promise<(project: string, name: string) => string> {
  const met = new Map<string, Set<string>>()
  for (const { tenant, type, data } of entries) {
    const name = type === 'feature.used' ? (data as { feature?: unknown } | null)?.feature : undefined
    if (typeof name !== 'string') continue
    const names = met.get(tenant) ?? new Set()
    met.set(tenant, names.add(name))
  }
  const known = new Map<string, Set<string>>()
  for (const [project, names] of met) {
    await tx.query(
      `insert into analytics.features select $1, name from unnest($2::text[]) with ordinality as u(name, n)
       where not exists (select from analytics.features f where f.project = $1 and f.feature = name)
       order by n limit greatest(0, $3 - (select count(*) from analytics.features where project = $1))`,
      [project, [...names], featureLimit]
    )
    const { rows } = await tx.query<{ feature: string }>(
      'select feature from analytics.features where project = $1 and feature = any($2::text[])',
      [project, [...names]]
    )
    known.set(project, new Set(rows.map(r => r.feature)))
  }
  return (project, name) => (known.get(project)?.has(name) ? name : otherFeatures)
}

async function addSessions(
  tx: Transaction,
  table: 'session_stats' | 'session_activity',
  rows: SessionRow[]
): Promise<void> {
  // Rows that come to nothing are written too: else how a replay is cut into batches would show in which rows there are.
  if (rows.length === 0) return
  const open = table === 'session_activity'
  await tx.query(
    `insert into analytics.${table} as s select * from unnest($1::text[], $2::"char"[], $3::timestamptz[], $4::text[], $5::text[], $6::bigint[]${open ? ', $7::bigint[]' : ''})
     on conflict (project, width, bucket, tier, region) do update set sessions = s.sessions + excluded.sessions${open ? ', open = s.open + excluded.open' : ''}`,
    [
      rows.map(r => r.project),
      rows.map(r => r.width),
      rows.map(r => new Date(r.bucket)),
      rows.map(r => r.tier),
      rows.map(r => r.region),
      rows.map(r => r.sessions),
      ...(open ? [rows.map(r => r.open)] : [])
    ]
  )
}

interface Stored {
  n: number
  latency: Buffer
  users: Buffer
}

/** Merges what the store has into the rows' sketches, so that writing them back loses nothing. */
async function mergeStored(
  tx: Transaction,
  rows: readonly (readonly [string, Sketches])[],
  cache: SketchCache,
  find: (missed: number[]) => { sql: string; parameters: unknown[] }
): Promise<void> {
  const missed: number[] = []
  rows.forEach(([key, row], i) => {
    const held = cache.get(key)
    if (held) join(row, held)
    else missed.push(i)
  })
  if (missed.length > 0) {
    const { sql, parameters } = find(missed)
    const { rows: stored } = await tx.query<Stored>(sql, parameters)
    for (const { n, latency, users } of stored) {
      const [, row] = rows[missed[n - 1]!]!
      join(row, { latency: histogram.decode(latency), users: distinct.decode(users, row.users.limit) })
    }
  }
  for (const [key, { latency, users }] of rows) cache.set(key, { latency, users })
}

/** Gives `row` the sum of both. What is held is the larger one as a rule, so the new is merged into it. */
function join(row: Sketches, held: Sketches): void {
  histogram.merge(held.latency, row.latency)
  distinct.merge(held.users, row.users)
  row.latency = held.latency
  row.users = held.users
}

async function addUses(tx: Transaction, all: ReadonlyMap<string, UseRow>, cache: SketchCache): Promise<void> {
  if (all.size === 0) return
  const rows = [...all.values()]
  const keyOf = (some: readonly UseRow[]) => [
    some.map(r => r.project),
    some.map(r => r.width),
    some.map(r => r.region),
    some.map(r => new Date(r.bucket))
  ]
  const key = keyOf(rows)
  await mergeStored(tx, [...all], cache, missed => ({
    sql: `select n, latency, users from unnest($1::text[], $2::"char"[], $3::text[], $4::timestamptz[]) with ordinality as k(project, width, region, bucket, n)
      join analytics.use_stats using (project, width, region, bucket)`,
    parameters: keyOf(missed.map(i => rows[i]!))
  }))
  await tx.query(
    `insert into analytics.use_stats as s (project, width, region, bucket, uses, client_errors, server_errors,
       status_1xx, status_2xx, status_3xx, status_4xx, status_5xx, latency, users)
     select * from unnest($1::text[], $2::"char"[], $3::text[], $4::timestamptz[], $5::bigint[], $6::bigint[], $7::bigint[],
       $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bytea[], $14::bytea[])
     on conflict (project, width, region, bucket) do update set uses = s.uses + excluded.uses,
       client_errors = s.client_errors + excluded.client_errors, server_errors = s.server_errors + excluded.server_errors,
       status_1xx = s.status_1xx + excluded.status_1xx, status_2xx = s.status_2xx + excluded.status_2xx,
       status_3xx = s.status_3xx + excluded.status_3xx, status_4xx = s.status_4xx + excluded.status_4xx,
       status_5xx = s.status_5xx + excluded.status_5xx, latency = excluded.latency, users = excluded.users`,
    [
      ...key,
      rows.map(r => r.uses),
      rows.map(r => r.client_errors),
      rows.map(r => r.server_errors),
      ...[0, 1, 2, 3, 4].map(i => rows.map(r => r.statuses[i])),
      rows.map(r => histogram.encode(r.latency)),
      rows.map(r => distinct.encode(r.users))
    ]
  )
}

async function addFeatures(tx: Transaction, all: ReadonlyMap<string, FeatureRow>, cache: SketchCache): Promise<void> {
  if (all.size === 0) return
  const rows = [...all.values()]
  const keyOf = (some: readonly FeatureRow[]) => [
    some.map(r => r.project),
    some.map(r => r.width),
    some.map(r => r.region),
    some.map(r => new Date(r.bucket)),
    some.map(r => r.feature)
  ]
  const key = keyOf(rows)
  await mergeStored(tx, [...all], cache, missed => ({
    sql: `select n, latency, users from unnest($1::text[], $2::"char"[], $3::text[], $4::timestamptz[], $5::text[]) with ordinality as k(project, width, region, bucket, feature, n)
      join analytics.feature_stats using (project, width, region, bucket, feature)`,
    parameters: keyOf(missed.map(i => rows[i]!))
  }))
  await tx.query(
    `insert into analytics.feature_stats as s (project, width, region, bucket, feature, uses, client_errors, server_errors, latency, users)
     select * from unnest($1::text[], $2::"char"[], $3::text[], $4::timestamptz[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bytea[], $10::bytea[])
     on conflict (project, width, region, bucket, feature) do update set uses = s.uses + excluded.uses,
       client_errors = s.client_errors + excluded.client_errors, server_errors = s.server_errors + excluded.server_errors,
       latency = excluded.latency, users = excluded.users`,
    [
      ...key,
      rows.map(r => r.uses),
      rows.map(r => r.client_errors),
      rows.map(r => r.server_errors),
      rows.map(r => histogram.encode(r.latency)),
      rows.map(r => distinct.encode(r.users))
    ]
  )
}

async function addProjects(tx: Transaction, deltas: Deltas): Promise<void> {
  const rows = [...deltas.projects.values()]
  await tx.query(
    `insert into analytics.projects as p select * from unnest($1::text[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::timestamptz[])
     on conflict (project) do update set counted = p.counted + excluded.counted, sessions = p.sessions + excluded.sessions,
       first_event = least(p.first_event, excluded.first_event), last_event = greatest(p.last_event, excluded.last_event)`,
    [
      rows.map(r => r.project),
      rows.map(r => r.counted),
      rows.map(r => r.sessions),
      // Infinite when the system alone wrote: that moves no end of the data.
      rows.map(r => (r.first === Infinity ? 'infinity' : new Date(r.first))),
      rows.map(r => (r.last === -Infinity ? '-infinity' : new Date(r.last)))
    ]
  )
}

export interface ProjectTotals {
  project: string
  counted: number
  sessions: number
  first_event: Date
  last_event: Date
}

export async function readProjects(store: Queryable): Promise<ProjectTotals[]> {
  return (await store.query<ProjectTotals>('select * from analytics.projects order by project limit 1000')).rows
}

/** Accepted entries of a project that are in the read models. */
export async function readCounted(store: Queryable, project: string): Promise<number> {
  const { rows } = await store.query<{ counted: number }>('select counted from analytics.projects where project = $1', [
    project
  ])
  return rows[0]?.counted ?? 0
}
