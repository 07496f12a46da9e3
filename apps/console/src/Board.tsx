import { useCallback, useMemo } from 'react'
import { serverNow } from './api/server-clock.ts'
import type {
  Dashboard,
  LedgerAnswer,
  ProjectSummary,
  Projects,
  Retention,
  SpoolAnswer,
  SubscribersAnswer
} from './api/types.ts'
import type { Polled } from './api/use-poll.ts'
import { hasBooks, type SpoolStanding } from './beside-the-books.ts'
import { ActiveCard } from './cards/ActiveCard.tsx'
import { EmptyProject } from './cards/EmptyProject.tsx'
import { FeaturesCard } from './cards/FeaturesCard.tsx'
import { LedgerCard } from './cards/LedgerCard.tsx'
import { QualityCard } from './cards/QualityCard.tsx'
import { RetentionCard } from './cards/RetentionCard.tsx'
import { SessionsCard } from './cards/SessionsCard.tsx'
import { SubscribersCard } from './cards/SubscribersCard.tsx'
import { TrendCard } from './cards/TrendCard.tsx'
import { span } from './format.ts'
import type { Standing } from './freshness.ts'
import type { RangeChoice } from './range.ts'

interface Props {
  project: string | undefined
  projects: Polled<Projects>
  summary: ProjectSummary | undefined
  dashboard: Polled<Dashboard>
  /** What is asked now; the dashboard may still answer the question before it. */
  question: string | undefined
  ledger: Polled<LedgerAnswer>
  spool: Polled<SpoolAnswer>
  retention: Polled<Retention>
  subscribers: Polled<SubscribersAnswer>
  theme: string
  onPickRange(range: RangeChoice): void
}

/** The cards, or the way to the first event. */
export function Board({
  project,
  projects,
  summary,
  dashboard,
  question,
  ledger,
  spool,
  retention,
  subscribers,
  theme,
  onPickRange
}: Props) {
  const data = dashboard.data
  const failing = dashboard.problem !== undefined
  const superseded = data !== undefined && dashboard.answers !== question
  const standing = useMemo(
    (): Standing => ({ freshness: data?.freshness, confirmedAt: dashboard.confirmedAt, failing, superseded }),
    [data?.freshness, dashboard.confirmedAt, failing, superseded]
  )
  const ledgerStanding = useMemo(
    (): Standing => ({
      freshness: ledger.data && ledgerFreshness(ledger.data),
      confirmedAt: ledger.confirmedAt,
      failing: ledger.problem !== undefined,
      superseded: false
    }),
    [ledger.data, ledger.confirmedAt, ledger.problem]
  )
  const spoolStanding = useMemo(
    (): SpoolStanding => ({
      spool: spool.data,
      confirmedAt: spool.confirmedAt,
      failing: spool.problem !== undefined
    }),
    [spool.data, spool.confirmedAt, spool.problem]
  )
  // It is as of its last refresh, and an answer that is confirmed makes it no newer.
  const retentionStanding = useMemo(
    (): Standing => ({
      // Before the first refresh there is nothing that could be fresh.
      freshness: retention.data?.refresh.lastAt ? retention.data.freshness : undefined,
      confirmedAt: undefined,
      failing: retention.problem !== undefined,
      superseded: false
    }),
    [retention.data, retention.problem]
  )
  const subscribersStanding = useMemo(
    (): Standing => ({
      freshness: subscribers.data && told(subscribers.data.at),
      confirmedAt: subscribers.confirmedAt,
      failing: subscribers.problem !== undefined,
      superseded: false
    }),
    [subscribers.data, subscribers.confirmedAt, subscribers.problem]
  )
  const zoom = useCallback((from: number, to: number) => onPickRange({ from, to }), [onPickRange])

  const hasNumbers = data !== undefined && (data.sessions.total > 0 || data.features.length > 0)
  const isEmpty = projects.data !== undefined && (summary?.events ?? 0) === 0 && !hasNumbers
  if (isEmpty && project !== undefined) {
    return (
      <div className="board">
        <EmptyProject project={project} />
        {hasBooks(ledger.data, spool.data) && (
          <LedgerCard ledger={ledger.data} spool={spoolStanding} standing={ledgerStanding} />
        )}
      </div>
    )
  }

  const past = data !== undefined && Date.parse(data.range.to) <= serverNow()
  return (
    <>
      {data && !hasNumbers && !superseded && (
        <NothingHere summary={summary} filtered={data.regions.length > 0} onPickRange={onPickRange} />
      )}
      <div className="board">
        <ActiveCard dashboard={data} standing={standing} past={past} />
        <TrendCard dashboard={data} standing={standing} theme={theme} onSelect={zoom} />
        <SessionsCard dashboard={data} standing={standing} />
        <FeaturesCard dashboard={data} standing={standing} />
        <QualityCard dashboard={data} standing={standing} theme={theme} onSelect={zoom} />
        <RetentionCard retention={retention.data} standing={retentionStanding} />
        <LedgerCard ledger={ledger.data} spool={spoolStanding} standing={ledgerStanding} />
        <SubscribersCard answer={subscribers.data} standing={subscribersStanding} />
      </div>
    </>
  )
}

/** What was as it says at that moment. */
const told = (asOf: string) => ({ asOf, lagMs: undefined, complete: true, unknownShare: 0, stale: false })

function ledgerFreshness(ledger: LedgerAnswer) {
  const complete = ledger.pending === 0
  return { asOf: ledger.asOf, lagMs: undefined, complete, unknownShare: 0, stale: false }
}

interface NothingProps {
  summary: ProjectSummary | undefined
  filtered: boolean
  onPickRange(range: RangeChoice): void
}

/** Zeros that are true, but perhaps not what was looked for. */
function NothingHere({ summary, filtered, onPickRange }: NothingProps) {
  return (
    <div className="notice" data-testid="nothing-here">
      <p role="status">
        {filtered ? 'No sessions in this range from these regions.' : 'No sessions in this range.'}
        {summary?.firstEvent && summary.lastEvent && ` The data runs ${span(summary.firstEvent, summary.lastEvent)}.`}
      </p>
      {summary?.firstEvent && (
        <button type="button" className="primary" onClick={() => onPickRange('data')}>
          Show all of it
        </button>
      )}
    </div>
  )
}
