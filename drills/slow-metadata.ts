import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Aim,
  atLeast,
  atMost,
  during,
  type RunOptions,
  startLoad,
  startPlatformProcess,
  watchEndpoint
} from '@plimsoll/bench'
import { MetadataProcess } from './metadata-process.ts'

interface Dashboard {
  sessions: { total: number; byTier: Record<string, number> }
  freshness: { asOf: string; unknownShare: number; stale: boolean }
}

/** Sessions offered a second: about a third of what two cores can take, so that a loss is the fault's and not the load's. */
const rate = 1_500
const healthyMs = 5
const slowMs = 800

/**
 * The night of the story: the metadata API goes from 5 ms to 800 ms, then dies, then comes back, under load all the time.
 * With the policies nothing may be lost, and little may be felt; without them it shows what they prevent.
 */
export async function slowMetadata(
  { quick, note }: RunOptions,
  { policies }: { policies: boolean }
): Promise<{ figures: Record<string, unknown>; aims: Aim[] }> {
  const phaseSeconds = quick ? 5 : 12
  const folder = await mkdtemp(join(tmpdir(), 'plimsoll-drill-'))
  const metadata = new MetadataProcess(join(folder, 'metadata'))
  await metadata.start()
  await metadata.fault({ latencyMs: healthyMs })
  const platform = await startPlatformProcess({
    flags: ['--metadata-url', metadata.url, ...(policies ? [] : ['--without-policies'])]
  })
  try {
    const key = await platform.createKey('drill')
    const admin = { authorization: `Bearer ${platform.adminToken}` }
    let worstAgeMs = 0
    let staleAnswers = 0
    const from = new Date(Date.now() - 3_600_000).toISOString()
    const to = new Date(Date.now() + 7_200_000).toISOString()
    const dashboardPath = `/v1/dashboard?project=drill&from=${from}&to=${to}`
    const health = watchEndpoint(`${platform.watcherUrl}/health`, { everyMs: 50 })
    const dashboard = watchEndpoint(`${platform.url}${dashboardPath}`, {
      everyMs: 200,
      headers: admin,
      onAnswer(body) {
        const { freshness } = body as Dashboard
        worstAgeMs = Math.max(worstAgeMs, Date.now() - Date.parse(freshness.asOf))
        if (freshness.stale) staleAnswers++
      }
    })
    // A user is seldom seen twice, so that most sessions need an answer that no cache holds.
    const load = startLoad({
      kind: 'session',
      host: platform.host,
      port: platform.port,
      path: '/v1/sessions',
      headers: { authorization: `Bearer ${key}` },
      users: 1_000_000,
      batchSize: 1,
      worker: 2,
      connections: 512,
      rate,
      durationMs: phaseSeconds * 4 * 1_000 + 2_000
    })
    const startedAt = performance.now()
    const untilSecond = (second: number) =>
      new Promise(resolve => setTimeout(resolve, startedAt + second * 1_000 - performance.now()))
    const warm = 2
    const slowAt = warm + phaseSeconds
    const deadAt = slowAt + phaseSeconds
    const backAt = deadAt + phaseSeconds
    note(`healthy: ${rate} sessions/s, metadata answers in ${healthyMs} ms`)
    await untilSecond(slowAt)
    note(`slow: metadata answers in ${slowMs} ms`)
    await metadata.fault({ latencyMs: slowMs })
    await untilSecond(deadAt)
    note('dead: metadata is killed')
    await metadata.kill()
    await untilSecond(backAt)
    note('back: metadata is started again')
    await metadata.start()
    await metadata.fault({ latencyMs: healthyMs })
    const report = await load.done
    const recovery = await untilEnriched(() => platform.get<Dashboard>(`${dashboardPath}`, 'drill'))
    const [healthFigures, dashboardFigures] = await Promise.all([health.stop(), dashboard.stop()])
    const ledger = await platform.get<{ accepted: number; pending: number; balanced: boolean }>('/v1/ledger', 'drill')
    const end = await platform.get<Dashboard>(dashboardPath, 'drill')

    const phases = {
      healthy: during(report, warm, slowAt),
      slow: during(report, slowAt, deadAt),
      dead: during(report, deadAt, backAt),
      back: during(report, backAt, backAt + phaseSeconds)
    }
    // Both faults together: the wait before the breaker opens is in it.
    const faulty = during(report, slowAt, backAt)
    const kept = Math.min(phases.slow.perSecond, phases.dead.perSecond) / phases.healthy.perSecond
    const figures = {
      policies,
      'sessions/s: healthy': phases.healthy.perSecond,
      'sessions/s: slow': phases.slow.perSecond,
      'sessions/s: dead': phases.dead.perSecond,
      'sessions/s: back': phases.back.perSecond,
      'ack p99 ms: healthy': phases.healthy.p99,
      'ack p99 ms: slow': phases.slow.p99,
      'ack p99 ms: dead': phases.dead.p99,
      'sessions acknowledged': report.ok,
      'sessions accepted': ledger.accepted,
      'sessions on the dashboard': end.sessions.total,
      'requests refused or failed': report.requests - report.ok + report.failures,
      'answers that said "unknown"': report.unknown,
      'seconds from the end of the load to the last session enriched': recovery.seconds,
      'sessions by tier at the end': end.sessions.byTier,
      'watcher /health p99 ms': healthFigures.p99,
      'dashboard p99 ms': dashboardFigures.p99,
      'dashboard worst age ms': worstAgeMs,
      'dashboard answers that were stale or failed': staleAnswers + dashboardFigures.failed
    }
    if (!policies)
      return { figures, aims: [atMost('rate kept while metadata is slow, without policies', kept, 0.5, '')] }
    return {
      figures,
      aims: [
        atLeast('rate kept while metadata is slow or dead', kept, 0.95, ''),
        atMost('ack p99 while metadata is slow or dead', faulty.p99, 250, 'ms'),
        atMost('sessions lost', report.ok - end.sessions.total, 0, ''),
        atLeast('books balance', ledger.balanced && ledger.pending === 0 ? 1 : 0, 1, ''),
        atLeast('answers that said "unknown"', report.unknown, 1, ''),
        atMost('dashboard worst age', worstAgeMs, 3_000, 'ms'),
        atMost('dashboard answers stale or failed', staleAnswers + dashboardFigures.failed, 0, ''),
        atMost('watcher /health p99', healthFigures.p99, 50, 'ms'),
        atMost('share of sessions unknown at the end', end.freshness.unknownShare, 0, '')
      ]
    }
  } finally {
    await metadata.kill()
    await platform.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Waits, for two minutes at most, until no session is unknown any more. */
async function untilEnriched(ask: () => Promise<Dashboard>): Promise<{ seconds: number }> {
  const startedAt = performance.now()
  for (;;) {
    const { freshness } = await ask()
    const seconds = (performance.now() - startedAt) / 1_000
    if (freshness.unknownShare === 0 || seconds > 120) return { seconds }
    await new Promise(resolve => setTimeout(resolve, 250))
  }
}
