import { memo } from 'react'
import { serverNow } from '../api/server-clock.ts'
import type { Dashboard } from '../api/types.ts'
import { toCsv } from '../csv.ts'
import { utcDays } from '../days.ts'
import { Figure } from '../Figure.tsx'
import { count, dayName, percent } from '../format.ts'
import type { Standing } from '../freshness.ts'
import { barShare } from './bar-share.ts'
import { Card } from './Card.tsx'
import { CsvButton } from './CsvButton.tsx'

interface Props {
  dashboard: Dashboard | undefined
  standing: Standing
}

/** Totals of the range, and the sessions of each UTC day in it. */
export const SessionsCard = memo(function SessionsCard({ dashboard, standing }: Props) {
  return (
    <Card
      name="sessions"
      title="Sessions and users"
      note="in range, by UTC day"
      standing={standing}
      actions={dashboard && <CsvButton name={`${dashboard.project}-sessions-by-day`} text={() => csv(dashboard)} />}
    >
      {dashboard && <Totals sessions={dashboard.sessions} />}
      {dashboard && <Days dashboard={dashboard} />}
    </Card>
  )
})

function Totals({ sessions }: { sessions: Dashboard['sessions'] }) {
  const perUser = sessions.users > 0 ? (sessions.total / sessions.users).toFixed(2) : '–'
  return (
    <dl className="totals">
      <div>
        <dt>sessions</dt>
        <dd>
          <Figure value={sessions.total} testId="sessions-total" />
        </dd>
      </div>
      <div>
        <dt>{sessions.usersError > 0 ? `users, ±${percent(sessions.usersError)}` : 'users'}</dt>
        <dd>
          {sessions.usersError > 0 && <span title="An estimate">≈ </span>}
          <Figure value={sessions.users} testId="users-total" />
        </dd>
      </div>
      <div>
        <dt>sessions a user</dt>
        <dd className="figure">{perUser}</dd>
      </div>
    </dl>
  )
}

function Days({ dashboard }: { dashboard: Dashboard }) {
  const { range, sessions } = dashboard
  const days = utcDays(sessions.byDay, Date.parse(range.from), Date.parse(range.to), serverNow())
  const greatest = Math.max(0, ...days.map(day => day.sessions))
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and must do so by keyboard too.
    <section className="scroll" tabIndex={0} aria-label="Sessions by day">
      <table className="rows days">
        <caption className="spoken">Sessions started per UTC day</caption>
        <thead>
          <tr>
            <th scope="col">Day (UTC)</th>
            <th scope="col" className="number">
              Sessions
            </th>
          </tr>
        </thead>
        <tbody>
          {days.map(({ day, sessions: started, part }) => (
            <tr key={day}>
              <th scope="row">
                {dayName(day)}
                {part && <span className="dim"> {part}</span>}
              </th>
              <td className="number bar" style={barShare(started, greatest)}>
                <Figure value={started} testId={`day-${day}`} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {days.length === 0 && <p className="quiet">{count(0)} days in this range.</p>}
    </section>
  )
}

function csv({ sessions }: Dashboard): string {
  return toCsv(
    ['day', 'sessions'],
    sessions.byDay.map(({ day, sessions: started }) => [day, started])
  )
}
