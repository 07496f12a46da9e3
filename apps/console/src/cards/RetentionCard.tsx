import { memo } from 'react'
import type { Retention } from '../api/types.ts'
import { Figure } from '../Figure.tsx'
import { age, count, millis, NOT_KNOWN, percent } from '../format.ts'
import type { Standing } from '../freshness.ts'
import { barShare } from './bar-share.ts'
import { Card } from './Card.tsx'

interface Props {
  retention: Retention | undefined
  standing: Standing
}

/** Who came back: of those first seen in a week, the share that was there N weeks later. */
export const RetentionCard = memo(function RetentionCard({ retention, standing }: Props) {
  return (
    <Card
      name="retention"
      title="Retention by week"
      note={retention && `refreshed every ${age(retention.refresh.everyMs)}, in ${millis(retention.refresh.tookMs)}`}
      standing={standing}
    >
      {retention &&
        (retention.cohorts.length > 0 ? (
          <Cohorts cohorts={retention.cohorts} />
        ) : (
          <p className="quiet">
            {retention.refresh.lastAt === null ? 'Not counted yet.' : 'Nobody was there when this was last counted.'}
          </p>
        ))}
    </Card>
  )
})

function Cohorts({ cohorts }: { cohorts: Retention['cohorts'] }) {
  const weeks = Math.max(...cohorts.map(({ retained }) => retained.length))
  const later = Array.from({ length: Math.min(12, weeks - 1) }, (_, n) => n + 1)
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls sideways on a phone, and must do so by keyboard too.
    <section className="scroll scroll-sideways" tabIndex={0} aria-label="Retention by week">
      <table className="rows">
        <caption className="spoken">
          Users first seen in a week, and the share of them seen again by weeks later
        </caption>
        <thead>
          <tr>
            <th scope="col">Week of</th>
            <th scope="col" className="number">
              Users
            </th>
            {later.map(n => (
              <th key={n} scope="col" className="number">
                +{n}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {cohorts.toReversed().map(({ week, users, retained }) => (
            <tr key={week}>
              <th scope="row">{week}</th>
              <td className="number">
                <Figure value={users} testId={`retention-${week}-users`} />
              </td>
              {later.map(n => (
                <Share key={n} users={users} back={retained[n]} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function Share({ users, back }: { users: number; back: number | undefined }) {
  if (back === undefined) return <td className="number">{NOT_KNOWN}</td>
  return (
    <td className="number bar" style={barShare(back, users)} title={`${count(back)} of ${count(users)} users`}>
      {percent(users === 0 ? 0 : back / users)}
    </td>
  )
}
