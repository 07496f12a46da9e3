import type { Queryable } from '@plimsoll/database'
import { distinct, histogram } from '@plimsoll/sketches'
import type { Dashboard, Freshness } from '../contract.ts'
import { bucketOf, spansOf } from '../views/buckets.ts'
import { allRegions } from '../views/measures.ts'
import type { Question } from './question.ts'

const minute = 60_000
const hour = 3_600_000
const day = 24 * hour
/** A session counts as active now for this long after its last event. */
const activeNowMs = 5 * minute

/** A dashboard without what only the one who asks can say of its freshness. */
export type DashboardContent = Omit<Dashboard, 'freshness'> & { unknownShare: Freshness['unknownShare'] }

/** Sums by tier. A map and not an object while it is filled: a tier is any word, and `constructor` is one. */
type Counts = Map<string, number>

const add = (counts: Counts, name: string, n: number) => counts.set(name, (counts.get(name) ?? 0) + n)

/** Asks the read models. All queries run in one transaction, so that the cards of one answer agree. */
export async function readDashboard(store: Queryable, question: Question, now: number): Promise<DashboardContent> {
  const { project, from, to, step, regions } = question
  const started = await readStarted(store, question)
  const trend = new Map<number, Counts>()
  const byTier: Counts = new Map()
  const byDay = new Map<number, number>()
  const places = new Set<string>()
  let total = 0
  // Over every region: one that is unknown may be of any, so no filter makes an answer more complete.
  let all = 0
  let unknown = 0
  for (const { bucket, tier, region, sessions } of started) {
    places.add(region)
    all += sessions
    if (tier === 'unknown') unknown += sessions
    if (regions.length > 0 && !regions.includes(region)) continue
    const at = step === 'hour' ? bucket : bucketOf('d', bucket)
    const tiers = trend.get(at) ?? new Map()
    trend.set(at, tiers)
    add(tiers, tier, sessions)
    add(byTier, tier, sessions)
    const on = bucketOf('d', bucket)
    byDay.set(on, (byDay.get(on) ?? 0) + sessions)
    total += sessions
  }
  const uses = await readUses(store, question)
  return {
    project,
    range: { from: iso(from), to: iso(to), step },
    regions,
    availableRegions: [...places].sort(),
    active: await readActive(store, question, now),
    sessions: {
      total,
      users: uses.users.count,
      usersError: uses.users.error,
      byTier: Object.fromEntries(byTier),
      byDay: ascending(byDay).map(([at, sessions]) => ({ day: dayOf(at), sessions })),
      trend: ascending(trend).map(([at, tiers]) => ({ time: iso(at), tiers: Object.fromEntries(tiers) }))
    },
    features: await readFeatures(store, question),
    outcomes: uses.outcomes,
    statusClasses: uses.statusClasses,
    latency: uses.latency,
    quality: uses.quality,
    unknownShare: all === 0 ? 0 : unknown / all
  }
}

interface Parts {
  sql: string
  parameters: unknown[]
}

/** The rows of a range: whole days by day, the edges by hour; or all by hour when each hour is a point of its own. */
function rangeOf(question: Question, first: number, byHour = false): Parts {
  const spans = byHour ? [{ width: 'h', from: question.from, to: question.to }] : spansOf(question.from, question.to)
  const parameters: unknown[] = []
  const sql = spans.map(({ width, from, to }) => {
    const n = first + parameters.length
    parameters.push(new Date(from), new Date(to))
    return `(width = '${width}' and bucket >= $${n} and bucket < $${n + 1})`
  })
  return { sql: `(${sql.join(' or ')})`, parameters }
}

/**
 * Sessions by bucket, tier and region as three arrays in one row: a row each would cost more to carry than to sum.
 * Regions are kept apart, to know which there are before the filter.
 */
async function readStarted(
  store: Queryable,
  question: Question
): Promise<{ bucket: number; tier: string; region: string; sessions: number }[]> {
  const range = rangeOf(question, 2, question.step === 'hour')
  const { rows } = await store.query<{
    buckets: number[] | null
    tiers: string[] | null
    regions: string[] | null
    counts: number[] | null
  }>(
    `select array_agg((extract(epoch from bucket) * 1000)::bigint) as buckets, array_agg(tier) as tiers,
       array_agg(region) as regions, array_agg(sessions) as counts
     from analytics.session_stats where project = $1 and ${range.sql} and sessions <> 0`,
    [question.project, ...range.parameters]
  )
  const { buckets, tiers, regions, counts } = rows[0]!
  return (buckets ?? []).map((bucket, i) => ({ bucket, tier: tiers![i]!, region: regions![i]!, sessions: counts![i]! }))
}

async function readActive(
  store: Queryable,
  { project, regions, to }: Question,
  now: number
): Promise<Dashboard['active']> {
  const dayAgo = now - day
  const firstWholeHour = bucketOf('h', dayAgo) + hour
  // Three ranges of the key, each asked for by itself: joined by OR they would be one walk over all of them.
  const part = (width: 'h' | 'm', from: string, to: string, what: string) =>
    `select tier, ${what} from analytics.session_activity where project = $1 and width = '${width}' and bucket >= ${from} and bucket < ${to}
       and (cardinality($2::text[]) = 0 or region = any($2::text[]))`
  const { rows } = await store.query<{ tier: string; last24h: number; now: number }>(
    `select tier, sum(sessions)::bigint as last24h, sum(open)::bigint as now from (
       ${part('h', '$4', "'infinity'", 'sessions, 0 as open')} union all
       ${part('m', '$3', '$4', 'sessions, 0')} union all
       ${part('m', '$5', "'infinity'", '0, open')}) as parts group by tier order by tier`,
    [
      project,
      regions,
      new Date(bucketOf('m', dayAgo)),
      new Date(firstWholeHour),
      new Date(bucketOf('m', now - activeNowMs))
    ]
  )
  const lastDay = bucketOf('d', to - 1)
  const trend = await store.query<{ bucket: number; sessions: number }>(
    `select (extract(epoch from bucket) * 1000)::bigint as bucket, sum(sessions)::bigint as sessions from analytics.session_stats
     where project = $1 and width = 'd' and bucket > $3 and bucket <= $4 and (cardinality($2::text[]) = 0 or region = any($2::text[]))
     group by bucket`,
    [project, regions, new Date(lastDay - 7 * day), new Date(lastDay)]
  )
  const byDay = new Map(trend.rows.map(r => [r.bucket, r.sessions]))
  return {
    now: rows.reduce((sum, r) => sum + r.now, 0),
    last24h: rows.reduce((sum, r) => sum + r.last24h, 0),
    byTier: Object.fromEntries(rows.filter(r => r.last24h !== 0).map(r => [r.tier, r.last24h])),
    trend7d: Array.from({ length: 7 }, (_, i) => {
      const at = lastDay - (6 - i) * day
      return { day: dayOf(at), sessions: byDay.get(at) ?? 0 }
    })
  }
}

const placesOf = ({ regions }: Question) => (regions.length === 0 ? [allRegions] : regions)

interface UseRow {
  bucket: number
  uses: number
  client_errors: number
  server_errors: number
  status_1xx: number
  status_2xx: number
  status_3xx: number
  status_4xx: number
  status_5xx: number
  latency: Buffer
  users: Buffer | null
}

async function readUses(store: Queryable, question: Question) {
  // By hour when each hour is a point; its users then come from the day rows, of which there are fewer.
  const byHour = question.step === 'hour'
  const range = rangeOf(question, 3, byHour)
  const { rows } = await store.query<UseRow>(
    `select (extract(epoch from bucket) * 1000)::bigint as bucket, uses, client_errors, server_errors, status_1xx, status_2xx,
       status_3xx, status_4xx, status_5xx, latency, ${byHour ? 'null::bytea as users' : 'users'}
     from analytics.use_stats where project = $1 and region = any($2::text[]) and ${range.sql}`,
    [question.project, placesOf(question), ...range.parameters]
  )
  const users = distinct.empty()
  const crowds = byHour ? await readUsers(store, question) : rows.map(r => r.users!)
  for (const crowd of crowds) distinct.merge(users, distinct.decode(crowd))
  const all = histogram.empty()
  const points = new Map<number, { uses: number; errors: number; latency: typeof all }>()
  const sums = {
    uses: 0,
    client_errors: 0,
    server_errors: 0,
    status_1xx: 0,
    status_2xx: 0,
    status_3xx: 0,
    status_4xx: 0,
    status_5xx: 0
  }
  for (const row of rows) {
    const at = byHour ? row.bucket : bucketOf('d', row.bucket)
    const point = points.get(at) ?? { uses: 0, errors: 0, latency: histogram.empty() }
    points.set(at, point)
    point.uses += row.uses
    point.errors += row.client_errors + row.server_errors
    const latency = histogram.decode(row.latency)
    histogram.merge(point.latency, latency)
    histogram.merge(all, latency)
    for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += row[name]
  }
  return {
    users: distinct.estimate(users),
    outcomes: {
      ok: sums.uses - sums.client_errors - sums.server_errors,
      client_error: sums.client_errors,
      server_error: sums.server_errors
    },
    statusClasses: {
      '1xx': sums.status_1xx,
      '2xx': sums.status_2xx,
      '3xx': sums.status_3xx,
      '4xx': sums.status_4xx,
      '5xx': sums.status_5xx
    },
    latency: { count: histogram.count(all), ...percentiles(all) },
    quality: ascending(points)
      .filter(([, point]) => point.uses > 0)
      .map(([at, { uses, errors, latency }]) => ({ time: iso(at), uses, errors, ...percentiles(latency) }))
  }
}

async function readUsers(store: Queryable, question: Question): Promise<Buffer[]> {
  const range = rangeOf(question, 3)
  const { rows } = await store.query<{ users: Buffer }>(
    `select users from analytics.use_stats where project = $1 and region = any($2::text[]) and ${range.sql}`,
    [question.project, placesOf(question), ...range.parameters]
  )
  return rows.map(r => r.users)
}

/** Sums pick the top first; only those features' sketches are then read. */
async function readFeatures(store: Queryable, question: Question): Promise<Dashboard['features']> {
  const range = rangeOf(question, 4)
  const { rows } = await store.query<{
    feature: string
    uses: number
    client_errors: number
    server_errors: number
    latencies: Buffer[]
    crowds: Buffer[]
  }>(
    `with top as (
       select feature, sum(uses)::bigint as uses, sum(client_errors)::bigint as client_errors, sum(server_errors)::bigint as server_errors
       from analytics.feature_stats where project = $1 and region = any($2::text[]) and ${range.sql}
       group by feature order by 2 desc, 1 limit $3)
     select top.*, array_agg(s.latency) as latencies, array_agg(s.users) as crowds from top
     join analytics.feature_stats s on s.feature = top.feature and s.project = $1 and s.region = any($2::text[]) and ${range.sql}
     group by top.feature, top.uses, top.client_errors, top.server_errors order by top.uses desc, top.feature`,
    [question.project, placesOf(question), question.top, ...range.parameters]
  )
  return rows.map(row => {
    const latency = histogram.empty()
    for (const bytes of row.latencies) histogram.merge(latency, histogram.decode(bytes))
    const users = distinct.empty()
    for (const bytes of row.crowds) distinct.merge(users, distinct.decode(bytes))
    const { count, error } = distinct.estimate(users)
    return {
      feature: row.feature,
      uses: row.uses,
      users: count,
      usersError: error,
      clientErrors: row.client_errors,
      serverErrors: row.server_errors,
      errorRate: row.uses === 0 ? 0 : (row.client_errors + row.server_errors) / row.uses,
      ...percentiles(latency)
    }
  })
}

function percentiles(latency: ReturnType<typeof histogram.empty>) {
  return {
    p50: histogram.quantile(latency, 0.5),
    p95: histogram.quantile(latency, 0.95),
    p99: histogram.quantile(latency, 0.99)
  }
}

const iso = (ms: number) => new Date(ms).toISOString()
const dayOf = (ms: number) => iso(ms).slice(0, 10)
const ascending = <V>(map: Map<number, V>) => [...map].sort(([a], [b]) => a - b)
