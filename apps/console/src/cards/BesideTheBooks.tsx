import type { LedgerAnswer } from '../api/types.ts'
import { clientLosses, type SpoolStanding, spoolNote, spoolWords } from '../beside-the-books.ts'
import { Figure } from '../Figure.tsx'
import { useNow } from '../use-now.ts'

/** What is in none of the sums: said only when there is something. */
export function BesideTheBooks({ ledger, spool }: { ledger: LedgerAnswer | undefined; spool: SpoolStanding }) {
  return (
    <>
      <Spooled standing={spool} />
      <ClientLosses losses={clientLosses(ledger)} />
    </>
  )
}

function Spooled({ standing }: { standing: SpoolStanding }) {
  const note = spoolNote(standing, useNow())
  if (!note) return null
  return (
    <p className={note.stale ? 'beside dim' : 'beside warn'} data-testid="spooled-note" data-stale={note.stale}>
      <span className="dim">Waiting on the platform’s disk, not in the sums above:</span>{' '}
      <Figure value={note.events} testId="ledger-spooled" /> <span>({spoolWords(note)})</span>
    </p>
  )
}

function ClientLosses({ losses }: { losses: [reason: string, events: number][] }) {
  if (losses.length === 0) return null
  return (
    <p className="beside" data-testid="client-losses">
      <span className="dim">Lost by clients before it came here, as they say:</span>
      {losses.map(([reason, events]) => (
        <span key={reason} className="code-count warn">
          <code>{reason}</code> <Figure value={events} testId={`lost-${reason}`} />
        </span>
      ))}
    </p>
  )
}
