import { memo } from 'react'
import type { LedgerAnswer } from '../api/types.ts'
import { type SpoolStanding, spoolNote } from '../beside-the-books.ts'
import { audit, type Books, type Equation } from '../books.ts'
import { Figure } from '../Figure.tsx'
import { count } from '../format.ts'
import type { Standing } from '../freshness.ts'
import { Mark } from '../Mark.tsx'
import { BesideTheBooks } from './BesideTheBooks.tsx'
import { Card } from './Card.tsx'

interface Props {
  ledger: LedgerAnswer | undefined
  spool: SpoolStanding
  standing: Standing
}

/** The books (promise P3): every event received is somewhere, and the page shows where. */
export const LedgerCard = memo(function LedgerCard({ ledger, spool, standing }: Props) {
  const books = ledger && audit(ledger)
  // While the store is away there are no books to read, but what waits for it is known.
  const known = ledger !== undefined || spoolNote(spool, 0) !== undefined
  return (
    <Card
      name="ledger"
      title="Ledger"
      note="events of this project, all time"
      standing={standing}
      actions={books && <Verdict books={books} />}
    >
      {known ? (
        <>
          {ledger && books && <Sums ledger={ledger} books={books} />}
          <BesideTheBooks ledger={ledger} spool={spool} />
        </>
      ) : undefined}
    </Card>
  )
})

function Sums({ ledger, books }: { ledger: LedgerAnswer; books: Books }) {
  return (
    <>
      <div className="equations">
        <Line equation={books.received}>
          <Term label="received" value={ledger.received} testId="ledger-received" />
          <Sign>=</Sign>
          <Term label="accepted" value={ledger.accepted} testId="ledger-accepted" />
          <Sign>+</Sign>
          <Term label="duplicate" value={ledger.duplicate} testId="ledger-duplicate" />
          <Sign>+</Sign>
          <Term
            label="rejected"
            value={ledger.rejected}
            testId="ledger-rejected"
            tone={ledger.rejected > 0 ? 'warn' : ''}
          />
          <Sign>+</Sign>
          <Term
            label="quarantined"
            value={ledger.quarantined}
            testId="ledger-quarantined"
            tone={ledger.quarantined > 0 ? 'warn' : ''}
          />
        </Line>
        <Line equation={books.accepted}>
          <Term label="accepted" value={ledger.accepted} />
          <Sign>=</Sign>
          <Term label="counted" value={ledger.counted} testId="ledger-counted" />
          <Sign>+</Sign>
          <Term label="pending" value={ledger.pending} testId="ledger-pending" />
        </Line>
      </div>
      <Refused refused={ledger.refused} />
    </>
  )
}

function Verdict({ books }: { books: Books }) {
  const list = { balanced: 0, 'not balanced': 24, unknown: 0 }[books.verdict]
  return (
    <p
      className={`verdict verdict-${books.verdict.replace(' ', '-')}`}
      data-testid="ledger-verdict"
      data-value={books.verdict}
    >
      <Mark size={20} list={list} />
      {books.verdict === 'unknown' ? 'read side cannot be asked' : books.verdict}
    </p>
  )
}

function Line({ equation, children }: { equation: Equation; children: React.ReactNode }) {
  return (
    <div className="equation">
      {children}
      {equation.holds === true && (
        <span className="holds">
          <span aria-hidden="true">✓</span>
          <span className="spoken">holds</span>
        </span>
      )}
      {equation.holds === false && <span className="holds bad">✗ off by {count(Math.abs(equation.difference))}</span>}
      {equation.holds === undefined && <span className="holds dim">not known now</span>}
    </div>
  )
}

function Sign({ children }: { children: string }) {
  return <span className="sign">{children}</span>
}

function Term({
  label,
  value,
  testId,
  tone = ''
}: {
  label: string
  value: number | null
  testId?: string
  tone?: string
}) {
  return (
    <span className={`term ${tone}`}>
      <Figure value={value} testId={testId} />
      <span className="term-label">{label}</span>
    </span>
  )
}

function Refused({ refused }: { refused: Record<string, number> }) {
  const codes = Object.entries(refused).filter(([, requests]) => requests > 0)
  return (
    <p className="refused">
      <span className="dim">Requests refused whole:</span>{' '}
      {codes.length === 0
        ? 'none'
        : codes.map(([code, requests]) => (
            <span key={code} className="code-count">
              <code>{code}</code> <Figure value={requests} testId={`refused-${code}`} />
            </span>
          ))}
    </p>
  )
}
