import type { Dashboard, Projects } from '@plimsoll/service-analytics/contract'
import type { LedgerAnswer } from '@plimsoll/service-telemetry/ledger-contract'
import { Client, type ClientOptions } from '../client.ts'
import { bold, number, print, table } from '../output.ts'

export interface Stats {
  project: string
  range: { from: string; to: string } | null
  sessions: number
  users: number
  usersError: number
  events: { ok: number; client_error: number; server_error: number }
  statusClasses: Dashboard['statusClasses']
  sessionsByDay: Record<string, number>
  sessionsByTier: Record<string, number>
  topFeatures: { feature: string; uses: number; users: number }[]
  ledger: LedgerAnswer
  freshness: Dashboard['freshness']
  asOf: string
}

/** Everything a project has, over the whole of its data. */
export async function readStats(client: Client, project: string): Promise<Stats> {
  const { projects, freshness: freshnessOfRange } = await client.get<Projects>('/v1/projects?consistency=latest')
  const summary = projects.find(p => p.project === project)
  const range =
    summary?.firstEvent && summary.lastEvent ? { from: summary.firstEvent, to: endOfHour(summary.lastEvent) } : null
  const query = new URLSearchParams({ project, top: '20', consistency: 'latest', ...(range ?? {}) })
  const dashboard = await client.get<Dashboard>(`/v1/dashboard?${query}`)
  const freshness = lesser(freshnessOfRange, dashboard.freshness)
  return {
    project,
    range: range && dashboard.range,
    sessions: dashboard.sessions.total,
    users: dashboard.sessions.users,
    usersError: dashboard.sessions.usersError,
    events: dashboard.outcomes,
    statusClasses: dashboard.statusClasses,
    sessionsByDay: Object.fromEntries(dashboard.sessions.byDay.map(d => [d.day, d.sessions])),
    sessionsByTier: dashboard.sessions.byTier,
    topFeatures: dashboard.features.map(({ feature, uses, users }) => ({ feature, uses, users })),
    ledger: await client.get<LedgerAnswer>('/v1/ledger'),
    freshness,
    asOf: freshness.asOf
  }
}

/** Figures over a range that was read before them are no fresher than the range: events may have come outside of it. */
function lesser(one: Dashboard['freshness'], other: Dashboard['freshness']): Dashboard['freshness'] {
  return {
    asOf: [one.asOf, other.asOf].sort()[0]!,
    lagMs: Math.max(one.lagMs, other.lagMs),
    complete: one.complete && other.complete,
    unknownShare: Math.max(one.unknownShare, other.unknownShare),
    stale: one.stale || other.stale
  }
}

/** The dashboard's end is exclusive and snaps up, so the hour of the last event must be named whole. */
function endOfHour(time: string): string {
  return new Date(Math.floor(Date.parse(time) / 3_600_000) * 3_600_000 + 3_600_000).toISOString()
}

export async function stats(options: ClientOptions & { json: boolean }): Promise<void> {
  const client = new Client(options)
  const all = await readStats(client, options.project)
  print(options.json, all, () => describe(all))
}

export function describe(all: Stats): string[] {
  const { ledger } = all
  return [
    `${bold(`Project ${all.project}`)}  ${all.range ? `${all.range.from} to ${all.range.to}` : 'no events yet'}`,
    `Sessions ${number(all.sessions)}, users ${number(all.users)}${all.usersError > 0 ? ` (±${(all.usersError * 100).toFixed(1)} %)` : ''}`,
    `Feature uses: ok ${number(all.events.ok)}, client errors ${number(all.events.client_error)}, server errors ${number(all.events.server_error)}`,
    '',
    ...table(['UTC day', 'sessions'], Object.entries(all.sessionsByDay)),
    '',
    ...table(
      ['feature', 'uses', 'users'],
      all.topFeatures.map(f => [f.feature, f.uses, f.users])
    ),
    '',
    `Ledger: received ${number(ledger.received)} = accepted ${number(ledger.accepted)} + duplicate ${number(ledger.duplicate)} + rejected ${number(ledger.rejected)} + quarantined ${number(ledger.quarantined)}`,
    `        accepted ${number(ledger.accepted)} = counted ${ledger.counted ?? '?'} + pending ${ledger.pending ?? '?'}   ${ledger.balanced ? 'balanced' : 'NOT BALANCED'}`,
    `As of ${all.asOf}, ${all.freshness.complete ? 'complete' : `behind by ${all.freshness.lagMs} ms`}${all.freshness.unknownShare > 0 ? `, ${(all.freshness.unknownShare * 100).toFixed(1)} % not yet enriched` : ''}`
  ]
}
