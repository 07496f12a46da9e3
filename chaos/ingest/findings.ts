import { setTimeout as nap } from 'node:timers/promises'
import type { StartedPlatform } from '@plimsoll/bench'
import { open } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import { viewsThatReplayMakesOtherwise } from '@plimsoll/service-analytics/testing'
import type { Found, LogEntry } from './reconcile.ts'

/** What the platform has, asked from outside: its HTTP answers while it runs, its store when it has stopped. */

export interface Ledger {
  received: number
  accepted: number
  duplicate: number
  rejected: number
  quarantined: number
  pending: number | null
  balanced: boolean
  /** What SDKs told that they had lost, by reason. */
  clientLosses: Record<string, number>
}

interface Dashboard {
  sessions: { total: number; users: number }
  features: { feature: string; uses: number }[]
}

export interface Answers extends Pick<Found, 'sessions' | 'visits' | 'features' | 'dashboard'> {
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
  const visits = new Map<string, number>()
  let outOfTime = 0
  let before: string | null = ''
  while (before !== null) {
    const path: string = `/v1/sessions?limit=200${before === '' ? '' : `&before=${before}`}`
    const page: { sessions: { id: string; events: number; visits: number; startedAt: string }[]; next: string | null } =
      await platform.get(path, project)
    for (const { id, events, visits: times, startedAt } of page.sessions) {
      sessions.set(id, events)
      visits.set(id, times)
      const start = Date.parse(startedAt)
      if (start < from - 60_000 || start > to + 60_000) outOfTime++
    }
    before = page.next
  }
  return {
    ledger,
    sessions,
    visits,
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

/** How many of these the platform does not know as accepted when it is asked with the clients' own key. */
export async function notKnown(platform: StartedPlatform, key: string, ids: readonly string[]): Promise<number> {
  let unknown = 0
  for (let at = 0; at < ids.length; at += 500) {
    const response = await fetch(`${platform.url}/v1/events/lookup`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ids: ids.slice(at, at + 500) }),
      signal: AbortSignal.timeout(30_000)
    })
    if (!response.ok) throw new Error(`lookup: ${response.status} ${await response.text()}`)
    const { receipts } = (await response.json()) as { receipts: { state: string }[] }
    unknown += receipts.filter(({ state }) => state !== 'accepted').length
  }
  return unknown
}

/** The log itself. An embedded store must have been left by the platform. */
export async function readLog(storeUrl: string, project: string): Promise<LogEntry[]> {
  const store = await open(storeUrl)
  try {
    // What the platform writes by itself, such as a late enrichment, is not of the clients.
    const { rows } = await store.query<Omit<LogEntry, 'recordedAt'> & { recordedAt: string | number }>(
      `select id::text as id, type, stream::text as session, subject as user, data->>'feature' as feature,
         data->>'call' as call, (extract(epoch from recorded_at) * 1000)::float8 as "recordedAt"
       from eventlog.entries
       where tenant = $1 and type in ('session.start', 'session.heartbeat', 'session.end', 'feature.used')`,
      [project]
    )
    return rows.map(row => ({ ...row, recordedAt: Number(row.recordedAt) }))
  } finally {
    await store.close()
  }
}

/** The views that a replay of the whole log makes otherwise than they were when the platform stopped. */
export async function replayedOtherwise(storeUrl: string, readUrl: string): Promise<string[]> {
  await using stack = new AsyncDisposableStack()
  const opened = async <T extends { close(): Promise<void> }>(opening: Promise<T>): Promise<T> => {
    const database = await opening
    stack.defer(() => database.close())
    return database
  }
  const log = await opened(open(storeUrl))
  const store = readUrl === storeUrl ? log : await opened(open(readUrl))
  const scratch = await opened(openScratch())
  return await viewsThatReplayMakesOtherwise(log, { store, scratch })
}
