import { memo } from 'react'
import type { Dashboard } from '../api/types.ts'
import { Figure } from '../Figure.tsx'
import { count, dayName, percent } from '../format.ts'
import type { Standing } from '../freshness.ts'
import { countOf, tierName, tiersIn } from '../tiers.ts'
import { useSpoken } from '../use-spoken.ts'
import { barShare } from './bar-share.ts'
import { Card } from './Card.tsx'
import { TierSwatch } from './TierSwatch.tsx'

interface Props {
  dashboard: Dashboard | undefined
  standing: Standing
  /** The range ended before now: then what is active now is not the question. */
  past: boolean
}

/** Who is there: the one number to read from across the room. */
export const ActiveCard = memo(function ActiveCard({ dashboard, standing, past }: Props) {
  return (
    <Card name="active" title={past ? 'Sessions in range' : 'Active sessions'} standing={standing}>
      {dashboard && (past ? <PastFigures dashboard={dashboard} /> : <LiveFigures active={dashboard.active} />)}
      {dashboard && <Week days={dashboard.active.trend7d} />}
      {dashboard && (
        <Tiers
          counts={past ? dashboard.sessions.byTier : dashboard.active.byTier}
          caption={past ? 'Sessions in range by plan tier' : 'Active in the last 24 hours by plan tier'}
        />
      )}
    </Card>
  )
})

function LiveFigures({ active }: { active: Dashboard['active'] }) {
  const spoken = useSpoken(`${count(active.last24h)} sessions active in the last 24 hours, ${count(active.now)} now`)
  return (
    <div className="headline">
      <p className="big">
        <Figure value={active.last24h} testId="active-24h" />
        <span className="unit">in the last 24 h</span>
      </p>
      <p className="second">
        <span className={active.now > 0 ? 'pulse' : 'pulse pulse-off'} aria-hidden="true" />
        <Figure value={active.now} testId="active-now" />
        <span className="unit">active now</span>
      </p>
      <p className="spoken" aria-live="polite">
        {spoken}
      </p>
    </div>
  )
}

function PastFigures({ dashboard }: { dashboard: Dashboard }) {
  return (
    <div className="headline">
      <p className="big">
        <Figure value={dashboard.sessions.total} testId="sessions-in-range" />
        <span className="unit">sessions</span>
      </p>
      <p className="second second-quiet">
        <Figure value={dashboard.active.last24h} testId="active-24h" />
        <span className="unit">in the last 24 h,</span>
        <Figure value={dashboard.active.now} testId="active-now" />
        <span className="unit">now</span>
      </p>
    </div>
  )
}

function Week({ days }: { days: Dashboard['active']['trend7d'] }) {
  const greatest = Math.max(0, ...days.map(({ sessions }) => sessions))
  return (
    <ol className="spark" aria-label="Sessions started per UTC day, 7 days">
      {days.map(({ day, sessions }) => (
        <li key={day} title={`${dayName(day)} (UTC): ${count(sessions)} sessions`}>
          <span className="spark-value">{count(sessions)}</span>
          <span className="spark-track" aria-hidden="true">
            <span className="spark-bar" style={barShare(sessions, greatest)} />
          </span>
          <span className="spark-day">{dayName(day, false).slice(0, 6)}</span>
        </li>
      ))}
    </ol>
  )
}

function Tiers({ counts, caption }: { counts: Record<string, number>; caption: string }) {
  const tiers = tiersIn([counts])
  const total = tiers.reduce((sum, tier) => sum + countOf(counts, tier), 0)
  if (tiers.length === 0) return <p className="quiet">No session of any plan tier.</p>
  return (
    <table className="rows tiers">
      <caption className="spoken">{caption}</caption>
      <thead className="spoken">
        <tr>
          <th scope="col">Plan tier</th>
          <th scope="col">Sessions</th>
          <th scope="col">Share</th>
        </tr>
      </thead>
      <tbody>
        {tiers.map(tier => (
          <tr key={tier}>
            <th scope="row">
              <TierSwatch tier={tier} tiers={tiers} />
              {tierName(tier)}
            </th>
            <td className="number">
              <Figure value={countOf(counts, tier)} testId={`tier-${tier}`} />
            </td>
            <td className="number dim">{percent(total > 0 ? countOf(counts, tier) / total : null)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
