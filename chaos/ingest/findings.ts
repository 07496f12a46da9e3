import { setTimeout as nap } from 'node:timers/promises'
import type { StartedPlatform } from '@plimsoll/bench'
import { open } from '@plimsoll/database'
import type { Found } from './reconcile.ts'

/** What the platform has, asked from outside: its HTTP answers while it runs, its store when it has stopped. */

export interface Ledger {
  received: number
  accepted: number
  duplicate: number
  rejected: number
  quarantined: number
  pending: number | null
  balanced: boolean
}

interface Dashboard {
  sessions: { total: number; users: number }
  features: { feature: string; uses: number }[]
}

export interface Answers extends Pick<Found, 'sessions' | 'features' | 'dashboard'> {
  ledger: Ledger
  /** Sessions whose start is not within the run: a clock that was off and not corrected. */
  outOfTime: number
}

const hour = 3_600_000

/** Waits until all is counted, then asks for everything. Rejects when the read side is not there within `patienceMs`. */
export async function askPlatform(
  platform: StartedPlatform,
  project: string,
  { from, to, patienceMs }: { from: number; to: number; patienceMs: number }
): Promise<Answers> {
  const ledger = await settledLedger(platform, project, patienceMs)
  const query = new URLSearchParams({
    project,
    top: '100',
    consistency: 'latest',
    from: new Date(from - hour).toISOString(),
    to: new Date(to + hour).toISOString()
  })
  const { sessions: totals, features } = await platform.get<Dashboard>(`/v1/dashboard?${query}`, project)
  const sessions = new Map<string, number>()
  let outOfTime = 0
  let before: string | null = ''
  while (before !== null) {
    const path: string = `/v1/sessions?limit=200${before === '' ? '' : `&before=${before}`}`
    const page: { sessions: { id: string; events: number; startedAt: string }[]; next: string | null } =
      await platform.get(path, project)
    for (const { id, events, startedAt } of page.sessions) {
      sessions.set(id, events)
      const start = Date.parse(startedAt)
      if (start < from - 60_000 || start > to + 60_000) outOfTime++
    }
    before = page.next
  }
  return {
    ledger,
    sessions,
    outOfTime,
    features: new Map(features.map(({ feature, uses }) => [feature, uses])),
    dashboard: { sessions: totals.total, users: totals.users }
  }
}

async function settledLedger(platform: StartedPlatform, project: string, patienceMs: number): Promise<Ledger> {
  const until = performance.now() + patienceMs
  for (;;) {
    try {
      const ledger = await platform.get<Ledger>('/v1/ledger', project)
      if (ledger.pending === 0) return ledger
      if (performance.now() > until) return ledger
    } catch (error) {
      if (performance.now() > until) throw error
    }
    await nap(200)
  }
}

/** The log itself. An embedded store must have been left by the platform. */
export async function readLog(storeUrl: string, project: string): Promise<Pick<Found, 'ids' | 'entries'>> {
  const store = await open(storeUrl)
  try {
    const ids = new Map<string, number>()
    let entries = 0
    // What the platform writes by itself, such as a late enrichment, is not of the clients.
    const { rows } = await store.query<{ id: string; times: number }>(
      `select id, count(*)::int as times from eventlog.entries
       where tenant = $1 and type in ('session.start', 'session.heartbeat', 'session.end', 'feature.used') group by id`,
      [project]
    )
    for (const { id, times } of rows) {
      ids.set(id, times)
      entries += times
    }
    return { ids, entries }
  } finally {
    await store.close()
  }
}
