import type { Dashboard } from '../api/types.ts'
import { Figure } from '../Figure.tsx'
import { count, percent } from '../format.ts'
import { barShare } from './bar-share.ts'

const OUTCOMES = [
  ['ok', 'ok', ''],
  ['client_error', 'client error', 'warn'],
  ['server_error', 'server error', 'bad']
] as const

const CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const

/** Uses by outcome and by HTTP status class, as figures. */
export function OutcomeFigures({ dashboard: { outcomes, statusClasses } }: { dashboard: Dashboard }) {
  const uses = outcomes.ok + outcomes.client_error + outcomes.server_error
  const answered = CLASSES.reduce((sum, name) => sum + statusClasses[name], 0)
  const classes = CLASSES.filter(name => name !== '1xx' || statusClasses['1xx'] > 0)
  return (
    <div className="outcomes">
      <table className="rows">
        <caption>Outcomes</caption>
        <thead className="spoken">
          <Heads first="Outcome" />
        </thead>
        <tbody>
          {OUTCOMES.map(([outcome, label, tone]) => (
            <Row
              key={outcome}
              label={label}
              value={outcomes[outcome]}
              of={uses}
              tone={tone}
              testId={`outcome-${outcome}`}
            />
          ))}
        </tbody>
      </table>
      <table className="rows">
        <caption>HTTP status</caption>
        <thead className="spoken">
          <Heads first="Status class" />
        </thead>
        <tbody>
          {classes.map(name => (
            <Row
              key={name}
              label={name}
              value={statusClasses[name]}
              of={answered}
              tone={name === '5xx' ? 'bad' : name === '4xx' ? 'warn' : ''}
              testId={`status-${name}`}
            />
          ))}
        </tbody>
      </table>
      {answered < uses && <p className="quiet">{count(uses - answered)} uses carried no HTTP status.</p>}
    </div>
  )
}

function Heads({ first }: { first: string }) {
  return (
    <tr>
      <th scope="col">{first}</th>
      <th scope="col">Uses</th>
      <th scope="col">Share</th>
    </tr>
  )
}

interface RowProps {
  label: string
  value: number
  of: number
  tone: string
  testId: string
}

function Row({ label, value, of, tone, testId }: RowProps) {
  return (
    <tr>
      <th scope="row">{label}</th>
      <td className={`number bar bar-${tone || 'plain'}`} style={barShare(value, of)}>
        <Figure value={value} testId={testId} />
      </td>
      <td className="number dim">{percent(of > 0 ? value / of : null)}</td>
    </tr>
  )
}
