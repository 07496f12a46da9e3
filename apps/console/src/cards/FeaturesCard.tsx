import { memo } from 'react'
import type { Dashboard, FeatureRow } from '../api/types.ts'
import { toCsv } from '../csv.ts'
import { Figure } from '../Figure.tsx'
import { count, millis, percent } from '../format.ts'
import type { Standing } from '../freshness.ts'
import { barShare } from './bar-share.ts'
import { Card } from './Card.tsx'
import { CsvButton } from './CsvButton.tsx'

interface Props {
  dashboard: Dashboard | undefined
  standing: Standing
}

/** What is used most, by whom, and how well it works. */
export const FeaturesCard = memo(function FeaturesCard({ dashboard, standing }: Props) {
  return (
    <Card
      name="features"
      title="Top features"
      note="in range, by uses"
      standing={standing}
      actions={
        dashboard && <CsvButton name={`${dashboard.project}-top-features`} text={() => csv(dashboard.features)} />
      }
    >
      {dashboard &&
        (dashboard.features.length > 0 ? (
          <Features rows={dashboard.features} />
        ) : (
          <p className="quiet">No feature was used in this range.</p>
        ))}
    </Card>
  )
})

function Features({ rows }: { rows: readonly FeatureRow[] }) {
  const greatest = Math.max(...rows.map(({ uses }) => uses))
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls sideways on a phone, and must do so by keyboard too.
    <section className="scroll scroll-sideways" tabIndex={0} aria-label="Top features">
      <table className="rows features">
        <caption className="spoken">Top features by uses</caption>
        <thead>
          <tr>
            <th scope="col">Feature</th>
            <th scope="col" className="number">
              Uses
            </th>
            <th scope="col" className="number">
              Users
            </th>
            <th scope="col" className="number">
              Errors
            </th>
            <th scope="col" className="number">
              p50
            </th>
            <th scope="col" className="number">
              p95
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(row => (
            <tr key={row.feature}>
              <th scope="row" title={row.feature}>
                {row.feature}
              </th>
              <td className="number bar" style={barShare(row.uses, greatest)}>
                <Figure value={row.uses} testId={`feature-${row.feature}-uses`} />
              </td>
              <td className="number" title={row.usersError > 0 ? `±${percent(row.usersError)}` : undefined}>
                {row.usersError > 0 && '≈'}
                <Figure value={row.users} testId={`feature-${row.feature}-users`} />
              </td>
              <td
                className={`number ${severity(row)}`}
                title={`${count(row.clientErrors)} client errors, ${count(row.serverErrors)} server errors`}
              >
                {percent(row.errorRate)}
              </td>
              <td className="number">{millis(row.p50)}</td>
              <td className="number">{millis(row.p95)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

/** Server errors are the operator's; client errors mostly are not. */
function severity({ serverErrors, uses }: FeatureRow): string {
  const share = uses > 0 ? serverErrors / uses : 0
  if (share >= 0.05) return 'bad'
  return share >= 0.01 ? 'warn' : ''
}

function csv(rows: readonly FeatureRow[]): string {
  return toCsv(
    ['feature', 'uses', 'users', 'client_errors', 'server_errors', 'error_rate', 'p50_ms', 'p95_ms', 'p99_ms'],
    rows.map(row => [
      row.feature,
      row.uses,
      row.users,
      row.clientErrors,
      row.serverErrors,
      row.errorRate,
      row.p50,
      row.p95,
      row.p99
    ])
  )
}
