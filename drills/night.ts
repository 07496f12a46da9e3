import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type During,
  during,
  type LoadOrder,
  type LoadReport,
  type StartedPlatform,
  startLoad,
  startPlatformProcess,
  type Watched,
  watchEndpoint
} from '@plimsoll/bench'
import type { Cause } from './causes/asked-why.ts'
import { type Named, watchCause } from './causes/named.ts'
import { MetadataProcess } from './metadata-process.ts'
import { undoWhenInterrupted } from './undo.ts'

/** Sessions offered a second: about a third of what two cores can take, so that a loss is the fault's and not the load's. */
export const usualRate = 1_500
/** Of the load's first seconds nothing is counted. */
const warmSeconds = 4
/** A fault of a few seconds is still told in the first ones after it, in milliseconds. */
const afterwardsMs = 3_000
/** The project that the load is of. */
export const project = 'drill'

/** What a drill can break. */
export interface Stage {
  platform: StartedPlatform
  metadata: MetadataProcess
  /** Faults of the platform itself; see its `fault-knobs.ts`. */
  breakPlatform(faults: { blockLoopMs?: number; holdStoreMs?: number; awayStoreMs?: number }): Promise<void>
}

export interface Phase {
  name: string
  seconds: number
  /** Done as the phase begins. Seconds that it takes are seconds of the phase. */
  begin?(stage: Stage): Promise<void>
  /** What `plimsoll why` must say meanwhile, or in the first seconds afterwards. */
  cause?: Cause
}

export interface Night {
  phases: readonly Phase[]
  /** Flags of `plimsoll up` beside those of every drill. */
  flags?: string[]
  load?: Partial<Pick<LoadOrder, 'rate' | 'connections' | 'timeoutMs' | 'retries' | 'headers'>>
  note(line: string): void
}

interface Dashboard {
  sessions: { total: number; byTier: Record<string, number> }
  freshness: { asOf: string; unknownShare: number; stale: boolean }
}

/** A policy's own account of what it did. */
export type PolicyFigures = Record<string, unknown>

export interface NightReport {
  phases: Record<string, During>
  load: LoadReport
  ledger: { accepted: number; pending: number; balanced: boolean }
  /** The dashboard when all is over. */
  end: Dashboard
  /** From the end of the load until no session was unknown and nothing pending, in seconds. */
  recoverySeconds: number
  /** The process's own /health and /ready, and the watcher's /health. */
  health: Watched
  ready: Watched
  watcher: Watched
  dashboard: Watched
  worstAgeMs: number
  staleAnswers: number
  policies: Record<string, PolicyFigures>
  /** What `why` said, by the phase that has a cause. */
  named: Record<string, Named>
}

/** Runs the phases one after another under a load that never stops, watching health and dashboard all the time. */
export async function runNight({ phases, flags = [], load: over = {}, note }: Night): Promise<NightReport> {
  const folder = await mkdtemp(join(tmpdir(), 'plimsoll-drill-'))
  const metadata = new MetadataProcess(join(folder, 'metadata'))
  let platform: StartedPlatform | undefined
  const end = async () => {
    await metadata.kill()
    await platform?.stop()
    await rm(folder, { recursive: true, force: true })
  }
  const settled = undoWhenInterrupted(end)
  try {
    await metadata.start()
    await metadata.fault({ latencyMs: 5 })
    platform = await startPlatformProcess({ flags: ['--metadata-url', metadata.url, '--fault-knobs', ...flags] })
    return await watchedNight({ phases, over, note }, stageOf(platform, metadata))
  } finally {
    await end()
    settled()
  }
}

function stageOf(platform: StartedPlatform, metadata: MetadataProcess): Stage {
  return {
    platform,
    metadata,
    async breakPlatform(faults) {
      const response = await fetch(`${platform.url}/admin/faults`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${platform.adminToken}`, 'content-type': 'application/json' },
        body: JSON.stringify(faults)
      })
      if (!response.ok) throw new Error(`breaking the platform: ${response.status} ${await response.text()}`)
    }
  }
}

async function watchedNight(
  { phases, over, note }: { phases: readonly Phase[]; over: NonNullable<Night['load']>; note: Night['note'] },
  stage: Stage
): Promise<NightReport> {
  const { platform } = stage
  const key = await platform.createKey(project)
  const from = new Date(Date.now() - 3_600_000).toISOString()
  const to = new Date(Date.now() + 7_200_000).toISOString()
  const dashboardPath = `/v1/dashboard?project=${project}&from=${from}&to=${to}`
  let worstAgeMs = 0
  let staleAnswers = 0
  const watched = {
    health: watchEndpoint(`${platform.healthUrl}/health`, { everyMs: 25, accept: [503] }),
    ready: watchEndpoint(`${platform.healthUrl}/ready`, { everyMs: 25, accept: [503] }),
    watcher: watchEndpoint(`${platform.watcherUrl}/health`, { everyMs: 50, accept: [503] }),
    dashboard: watchEndpoint(`${platform.url}${dashboardPath}`, {
      everyMs: 200,
      headers: { authorization: `Bearer ${platform.adminToken}` },
      onAnswer(body) {
        const { freshness } = body as Dashboard
        worstAgeMs = Math.max(worstAgeMs, Date.now() - Date.parse(freshness.asOf))
        if (freshness.stale) staleAnswers++
      }
    })
  }
  const { headers, ...rest } = over
  const seconds = phases.reduce((sum, phase) => sum + phase.seconds, 0)
  // A user is seldom seen twice, so that most sessions need an answer that no cache holds.
  const load = startLoad({
    kind: 'session',
    host: platform.host,
    port: platform.port,
    path: '/v1/sessions',
    users: 1_000_000,
    batchSize: 1,
    worker: 2,
    connections: 512,
    rate: usualRate,
    durationMs: (warmSeconds + seconds) * 1_000,
    ...rest,
    headers: { authorization: `Bearer ${key}`, ...headers }
  })
  const startedAt = performance.now()
  const bounds: [string, number, number][] = []
  const asking: Promise<[string, Named]>[] = []
  let second = warmSeconds
  for (const phase of phases) {
    await new Promise(resolve => setTimeout(resolve, Math.max(0, startedAt + second * 1_000 - performance.now())))
    note(`  ${phase.name}`)
    if (phase.cause)
      asking.push(
        watchCause(platform.data, phase.cause, phase.seconds * 1_000 + afterwardsMs).then(one => [phase.name, one])
      )
    await phase.begin?.(stage)
    bounds.push([phase.name, second, second + phase.seconds])
    second += phase.seconds
  }
  const report = await load.done
  const recoverySeconds = await untilWell(platform, dashboardPath)
  const [health, ready, watcher, dashboard] = await Promise.all([
    watched.health.stop(),
    watched.ready.stop(),
    watched.watcher.stop(),
    watched.dashboard.stop()
  ])
  const { policies } = await platform.get<{ policies: { name: string; figures: PolicyFigures }[] }>('/v1/policies')
  return {
    phases: Object.fromEntries(bounds.map(([name, begins, ends]) => [name, during(report, begins, ends)])),
    load: report,
    ledger: await platform.get('/v1/ledger', project),
    end: await platform.get(`${dashboardPath}&consistency=latest`, project),
    recoverySeconds,
    health,
    ready,
    watcher,
    dashboard,
    worstAgeMs,
    staleAnswers,
    policies: Object.fromEntries(policies.map(({ name, figures }) => [name, figures])),
    named: Object.fromEntries(await Promise.all(asking))
  }
}

/** Waits, for two minutes at most, until no session is unknown any more and all are counted. */
async function untilWell(platform: StartedPlatform, dashboardPath: string): Promise<number> {
  const startedAt = performance.now()
  for (;;) {
    const { freshness } = await platform.get<Dashboard>(`${dashboardPath}&consistency=latest`, project)
    const { pending } = await platform.get<{ pending: number | null }>('/v1/ledger', project)
    const seconds = (performance.now() - startedAt) / 1_000
    if ((freshness.unknownShare === 0 && pending === 0) || seconds > 120) return seconds
    await new Promise(resolve => setTimeout(resolve, 250))
  }
}
