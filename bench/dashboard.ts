import { join } from 'node:path'
import { type Database, open } from '@plimsoll/database'
import { type Aim, atLeast, atMost, type RunOptions } from './form.ts'
import { runLoad, startLoad } from './load/run.ts'
import { type StartedPlatform, startPlatformProcess } from './started-platform.ts'
import { type Watched, watchEndpoint } from './watched-endpoint.ts'

const hour = 3_600_000
const day = 24 * hour

/** Dashboards over millions of sessions while ten thousand events a second are written; then the same of the raw table. */
export async function dashboard({
  quick,
  note,
  seed
}: RunOptions): Promise<{ figures: Record<string, unknown>; aims: Aim[] }> {
  const sessions = quick ? 200_000 : 2_000_000
  const seconds = quick ? 10 : 30
  const platform = await startPlatformProcess()
  let stopped = false
  try {
    const key = await platform.createKey('bench')
    const target = {
      host: '127.0.0.1',
      port: platform.port,
      path: '/v1/events',
      users: 200_000,
      headers: { authorization: `Bearer ${key}` }
    }
    note(`loading ${sessions.toLocaleString('en-GB')} sessions of the last seven days`)
    const loadedAt = performance.now()
    const history = await runLoad({
      ...target,
      kind: 'history',
      worker: 5,
      batchSize: 500,
      total: sessions,
      connections: 8,
      requests: sessions / 500,
      // What the door turns away on a slow machine is sent again: all of them are to be there.
      retries: 1_000,
      durationMs: 900_000
    })
    await caughtUp(platform)
    const loadSeconds = (performance.now() - loadedAt) / 1_000
    note(`loaded and counted in ${loadSeconds.toFixed(0)} s; now 10,000 events/s in batches of 100`)

    const writes = startLoad({
      ...target,
      kind: 'batch',
      worker: 6,
      batchSize: 100,
      connections: 64,
      rate: 100,
      durationMs: (seconds + 2) * 1_000
    })
    await new Promise(resolve => setTimeout(resolve, 2_000))
    const week = range(Date.now() - 7 * day, Date.now() + hour)
    const headers = { authorization: `Bearer ${platform.adminToken}` }
    let lagMs = 0
    const usual = watchEndpoint(`${platform.url}/v1/dashboard?project=bench&region=eu-west&${week}`, {
      everyMs: 50,
      headers,
      onAnswer: body => {
        lagMs = Math.max(lagMs, (body as { freshness: { lagMs: number } }).freshness.lagMs)
      }
    })
    const random = randomOf(seed)
    const fresh = watchEndpoint(() => `${platform.url}/v1/dashboard?project=bench&${freshQuestion(random)}`, {
      everyMs: 100,
      headers
    })
    await new Promise(resolve => setTimeout(resolve, (seconds - 2) * 1_000))
    const [usualFigures, freshFigures] = await Promise.all([usual.stop(), fresh.stop()])
    const written = await writes.done
    await caughtUp(platform)
    const ledger = await platform.get<{ accepted: number; pending: number; balanced: boolean }>('/v1/ledger', 'bench')
    note('the same question of the raw table')
    stopped = true
    const raw = await askRawTable(platform)
    const rate = written.events / written.seconds
    return {
      figures: {
        'sessions loaded': history.events,
        'events/s while loading': history.events / history.seconds,
        'events/s written meanwhile': rate,
        'dashboard, the same question again (region filter, 7 days): ms': shown(usualFigures),
        'dashboard, a question nobody asked before: ms': shown(freshFigures),
        'worst lag ms': lagMs,
        'raw table, the same question, nothing else going on: ms': raw.times,
        'raw table, best, as a multiple of the dashboard p99': raw.best / usualFigures.p99,
        ledger
      },
      aims: [
        atMost('dashboard p99, asked again and again', usualFigures.p99, 10, 'ms'),
        atLeast('events written a second meanwhile', rate, 9_500, 'events/s'),
        atMost('dashboard questions refused or failed', usualFigures.failed + freshFigures.failed, 0, ''),
        atLeast('books balance', ledger.balanced && ledger.pending === 0 ? 1 : 0, 1, '')
      ]
    }
  } finally {
    if (!stopped) await platform.stop()
  }
}

const shown = ({ asked, p50, p99, max }: Watched) => ({ asked, p50, p99, max })

function range(from: number, to: number): string {
  const snap = (ms: number) => new Date(Math.floor(ms / hour) * hour).toISOString()
  return `from=${snap(from)}&to=${snap(to + hour)}`
}

/** Another range, another region: what no cache can hold. */
function freshQuestion(random: () => number): string {
  const from = Date.now() - Math.ceil(random() * 7 * 24) * hour
  const to = from + Math.ceil(random() * 7 * 24) * hour
  const regions = ['eu-west', 'us-east', 'ap-south', 'sa-east'].filter(() => random() < 0.5)
  return `${range(from, to)}&top=${1 + Math.floor(random() * 50)}${regions.length > 0 ? `&region=${regions.join(',')}` : ''}`
}

/** A small seeded generator (mulberry32), so that a run can be had again. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

async function caughtUp(platform: StartedPlatform): Promise<void> {
  for (let tries = 0; tries < 3_000; tries++) {
    const { pending } = await platform.get<{ pending: number }>('/v1/ledger', 'bench')
    if (pending === 0) return
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  throw new Error('the read side did not catch up in five minutes')
}

/** Stops the platform and asks its primary store what the dashboard shows: active by tier, filtered, with the trend. */
async function askRawTable(platform: StartedPlatform): Promise<{ best: number; times: number[] }> {
  const databaseUrl = process.env.PLIMSOLL_DATABASE_URL
  await platform.stop({ keepData: true })
  const store: Database = await open(databaseUrl || `pglite://${join(platform.data, 'primary')}`)
  try {
    // The planner may read the whole table here: that is the question.
    await store.exec('set enable_seqscan = on')
    const times: number[] = []
    for (let i = 0; i < 3; i++) {
      const startedAt = performance.now()
      await store.query(
        `select tier, date_trunc('hour', started_at) as hour, count(*), count(*) filter (where last_at > now() - interval '24 hours') as active,
           count(distinct user_id) as users from telemetry.sessions
         where project = 'bench' and region = 'eu-west' and started_at > now() - interval '7 days' group by 1, 2`
      )
      times.push(Math.round(performance.now() - startedAt))
    }
    return { best: Math.min(...times), times }
  } finally {
    await store.close()
    await platform.removeData()
  }
}
