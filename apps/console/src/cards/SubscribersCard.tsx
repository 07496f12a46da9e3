import { memo } from 'react'
import type { SubscriberRow, SubscribersAnswer } from '../api/types.ts'
import { Figure } from '../Figure.tsx'
import { lag } from '../format.ts'
import type { Standing } from '../freshness.ts'
import { Card } from './Card.tsx'

interface Props {
  answer: SubscribersAnswer | undefined
  standing: Standing
}

const seconds = (value: number | null | undefined) => lag((value ?? 0) * 1_000)
const rate = (value: number | null | undefined) => `${Math.round(value ?? 0).toLocaleString('en-GB')}/s`

/** Who follows the log, each at its own pace: one that is slow, dead or poisoned is seen here and costs the others nothing. */
export const SubscribersCard = memo(function SubscribersCard({ answer, standing }: Props) {
  return (
    <Card name="subscribers" title="Subscribers of the log" note="of all projects" standing={standing}>
      {answer && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls sideways on a phone, and must do so by keyboard too.
        <section className="scroll scroll-sideways" tabIndex={0} aria-label="Subscribers of the log">
          <table className="rows">
            <caption className="spoken">Each subscriber of the log: where it stands and how it is</caption>
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">State</th>
                {['Behind', 'Lag', 'Rate', 'Attempts', 'Parked keys'].map(title => (
                  <th key={title} scope="col" className="number">
                    {title}
                  </th>
                ))}
                <th scope="col">Cursor</th>
              </tr>
            </thead>
            <tbody>
              {answer.subscribers.map(row => (
                <Row key={row.name} row={row} />
              ))}
            </tbody>
          </table>
        </section>
      )}
    </Card>
  )
})

function Row({ row }: { row: SubscriberRow }) {
  const { name, state, error } = row
  const id = (what: string) => `subscriber-${name}-${what}`
  return (
    <tr>
      <th scope="row">{name}</th>
      <td data-testid={id('state')} data-value={state} title={error ?? undefined}>
        {state}
      </td>
      <td className="number">
        <Figure value={row.behind} testId={id('behind')} />
      </td>
      <td className="number">
        <Figure value={row.lagSeconds} as={seconds} testId={id('lag')} />
      </td>
      <td className="number">
        <Figure value={row.perSecond} as={rate} testId={id('rate')} />
      </td>
      <td className="number">
        <Figure value={row.attempts} testId={id('attempts')} />
      </td>
      <td className="number">
        <Figure value={row.parkedKeys} testId={id('parked')} />
      </td>
      <td data-testid={id('cursor')}>{row.cursor}</td>
    </tr>
  )
}
