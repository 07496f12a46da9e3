import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from '@plimsoll/database'
import { askDuckDb } from './cqrs/duckdb.ts'
import { askPostgres } from './cqrs/postgres.ts'
import { caughtUp, prepare } from './cqrs/prepare.ts'
import { type Answer, questionOf, sumOf, timed } from './cqrs/question.ts'
import { askedRegion } from './cqrs/rows.ts'
import { atLeast, atMost, type Result, type RunOptions } from './form.ts'
import { during, type LoadReport, startLoad } from './load/run.ts'
import { type StartedPlatform, startPlatformProcess } from './started-platform.ts'
import { watchEndpoint } from './watched-endpoint.ts'

const hour = 3_600_000
const day = 24 * hour
/** Sessions written a second, and questions asked a second. */
const written = 10_000
const asked = 50

/**
 * Ten thousand sessions a second are written, and the dashboard's question is asked fifty times a second over five million; then
 * the same question of the raw table, of PostgreSQL's own materialised view, and of DuckDB, over the same rows.
 */
export async function cqrs({ quick, note }: RunOptions): Promise<Result> {
  const total = quick ? 300_000 : 5_000_000
  const seconds = quick ? 8 : 30
  const kept = process.env.BENCH_CQRS_DATA
  const folder = kept ?? (await mkdtemp(join(tmpdir(), 'plimsoll-cqrs-')))
  let platform: StartedPlatform | undefined
  try {
    const { file, data, key, until, ...prepared } = await prepare(folder, total, note)
    platform = await startPlatformProcess({ data })
    await caughtUp(platform)

    const users = quick ? 20_000 : 100_000
    note('warming up: until what is known of most users is in memory, as it is after days')
    await writing(platform, key, { users, seconds: quick ? 6 : 25 }).done
    await caughtUp(platform)
    note(`${written.toLocaleString('en-GB')} sessions/s for ${seconds} s, nobody reads`)
    const alone = await writing(platform, key, { users, seconds }).done
    await caughtUp(platform)
    note('the same, and the dashboard’s question fifty times a second')
    const beside = writing(platform, key, { users, seconds })
    const readers = await asking(platform, seconds)
    const withReaders = await beside.done
    await caughtUp(platform)
    const views = await platform.get<Views>('/v1/views')
    const shown = await answerOf(platform)
    const ledger = await platform.get<{ balanced: boolean; pending: number }>('/v1/ledger', 'bench')
    await platform.stop()

    note('the same question of the raw table, of a MATERIALIZED VIEW and of DuckDB')
    const raw = await askRaw(data, shown.asOf, 3)
    const postgres = await askPostgres(file, new Date(until), 50, note)
    const duckdb = await askDuckDb(file, new Date(until), 50)
    // The first second is the connections'; after the last they wait for a turn that does not come.
    const rate = (report: LoadReport) => during(report, 1, seconds).eventsPerSecond
    return {
      figures: {
        'sessions loaded': total,
        'read models made from the log, entries/s': prepared.replayed,
        'sessions/s written, nobody reads': rate(alone),
        'sessions/s written, with readers': rate(withReaders),
        'requests of 100 sessions refused, alone and with readers': [alone, withReaders].map(r => r.requests - r.ok),
        'answers to those who write, p99 ms, alone and with readers': [alone.latency.p99, withReaders.latency.p99],
        'dashboard question, ms': readers.usual,
        'dashboard question that nobody asked before, ms': readers.fresh,
        'lag ms, p50, p99, worst': readers.lag,
        'raw table, embedded, ms': raw.asked,
        [`raw table, PostgreSQL ${postgres.version}, ms`]: postgres.raw,
        'MATERIALIZED VIEW, asked, ms': postgres.view,
        'MATERIALIZED VIEW, made anew by REFRESH': postgres.refresh,
        'MATERIALIZED VIEW, REFRESH CONCURRENTLY': postgres.concurrently,
        [`DuckDB ${duckdb.version}, in memory, ms`]: duckdb.asked,
        'DuckDB, loading the rows, ms': duckdb.loadMs,
        'cost of each view': costs(views),
        'sessions of the region in 7 days: dashboard, raw; PostgreSQL, DuckDB': [
          shown.sessions,
          raw.answer.sessions,
          postgres.answer.sessions,
          duckdb.answer.sessions
        ]
      },
      aims: [
        atMost('dashboard p99', readers.usual.p99, 10, 'ms'),
        atLeast('questions asked a second', readers.usual.asked / seconds, asked * 0.9, ''),
        atLeast('write rate, of that without readers', rate(withReaders) / rate(alone), 0.95, ''),
        atLeast('sessions written a second, with readers', rate(withReaders), written * 0.95, ''),
        atMost('lag p99', readers.lag[1]!, 2_000, 'ms'),
        atMost('questions refused or failed', readers.failed, 0, ''),
        atLeast('the same answers', sameAnswers(shown, raw.answer, postgres.answer, duckdb.answer) ? 1 : 0, 1, ''),
        atLeast('books balance', ledger.balanced && ledger.pending === 0 ? 1 : 0, 1, '')
      ]
    }
  } finally {
    await platform?.stop()
    if (kept === undefined) await rm(folder, { recursive: true, force: true })
  }
}

function writing(platform: StartedPlatform, key: string, { users, seconds }: { users: number; seconds: number }) {
  return startLoad({
    host: '127.0.0.1',
    port: platform.port,
    path: '/v1/events',
    headers: { authorization: `Bearer ${key}` },
    users,
    // Each event begins a session, at the time when the load began and before.
    kind: 'history',
    worker: 7,
    batchSize: 100,
    total: written * seconds,
    days: seconds / 86_400,
    connections: 64,
    rate: written / 100,
    durationMs: seconds * 1_000
  })
}

async function asking(platform: StartedPlatform, seconds: number) {
  const headers = { authorization: `Bearer ${platform.adminToken}` }
  const lags: number[] = []
  const onAnswer = (body: unknown) => void lags.push((body as { freshness: { lagMs: number } }).freshness.lagMs)
  const usual = watchEndpoint(urlOf(platform), { everyMs: 1_000 / asked, headers, onAnswer })
  // Now and then another range: what no memory of answers holds.
  let days = 0
  const other = () => urlOf(platform, 1 + (days++ % 6))
  const fresh = watchEndpoint(other, { everyMs: 1_000, headers })
  await new Promise(resolve => setTimeout(resolve, seconds * 1_000))
  const [u, f] = await Promise.all([usual.stop(), fresh.stop()])
  lags.sort((a, b) => a - b)
  const lag = [0.5, 0.99, 1].map(q => Math.round(lags[Math.min(lags.length - 1, Math.floor(lags.length * q))] ?? 0))
  return { usual: u, fresh: { asked: f.asked, p50: f.p50, max: f.max }, lag, failed: u.failed + f.failed }
}

function urlOf(platform: StartedPlatform, days = 7): string {
  const snap = (ms: number) => new Date(Math.floor(ms / hour) * hour).toISOString()
  const range = `from=${snap(Date.now() - days * day)}&to=${snap(Date.now() + hour)}`
  return `${platform.url}/v1/dashboard?project=bench&region=${askedRegion}&${range}`
}

/** What the dashboard says at the end, as of the position at which all that was written is in it. */
async function answerOf(platform: StartedPlatform): Promise<Answer & { asOf: Date }> {
  const asOf = new Date()
  const url = `${urlOf(platform).slice(platform.url.length)}&consistency=billing`
  const { active, sessions } = await platform.get<{
    active: { last24h: number }
    sessions: { byDay: { sessions: number }[] }
  }>(url)
  return { asOf, active: active.last24h, sessions: sessions.byDay.reduce((sum, one) => sum + one.sessions, 0) }
}

/** Opens the primary store of the stopped platform and asks its table of sessions. */
async function askRaw(data: string, now: Date, times: number) {
  const store = await open(`pglite://${join(data, 'primary')}`)
  try {
    // The planner may read the whole table here: that is the question.
    await store.exec('set enable_seqscan = on')
    const ask = () => store.query<{ sessions: number; active: number }>(questionOf('telemetry.sessions', now))
    const answer = sumOf((await ask()).rows)
    return { answer, asked: await timed(times, ask) }
  } finally {
    await store.close()
  }
}

/**
 * The dashboard's 24 hours end with a minute and its 7 days with an hour, so against a table that is asked to the millisecond it
 * may differ by what lies at these edges: a thousandth here. PostgreSQL and DuckDB have the very same rows.
 */
function sameAnswers(shown: Answer, raw: Answer, postgres: Answer, duckdb: Answer): boolean {
  const near = (a: number, b: number) => Math.abs(a - b) <= Math.max(a, b) * 0.01
  return (
    near(shown.sessions, raw.sessions) &&
    near(shown.active, raw.active) &&
    postgres.sessions === duckdb.sessions &&
    postgres.active === duckdb.active
  )
}

interface Views {
  views: {
    name: string
    cost: { msPerThousandEntries: number; refreshes: number; refreshMs: number }
    stalenessMs: number
  }[]
}

const costs = ({ views }: Views) =>
  Object.fromEntries(
    views.map(({ name, cost, stalenessMs }) => [
      name,
      {
        'ms/1,000 entries': Math.round(cost.msPerThousandEntries * 100) / 100,
        ...(cost.refreshes > 0 && {
          refreshes: cost.refreshes,
          'refresh ms': Math.round(cost.refreshMs),
          'age s': Math.round(stalenessMs / 1_000)
        })
      }
    ])
  )
