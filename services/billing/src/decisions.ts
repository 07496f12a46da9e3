import { type Database, migrate, type Queryable } from '@plimsoll/database'
import type { LedgerEntry } from './ledger/entry.ts'

/** The decisions to invoice, in the primary store beside the log: all SQL of billing there. They are only added to. */

export async function migrateDecisions(log: Database): Promise<void> {
  await migrate(log, 'billing_decisions', new URL('./decision-migrations/', import.meta.url))
}

/**
 * Makes an invoice's line durable, if its month was not decided on before. Gives the line that stands: this one, or the one
 * that was there. Once it returns, no loss of the ledger loses the invoice.
 */
export async function decide(
  log: Queryable,
  line: LedgerEntry,
  by: string
): Promise<{ line: LedgerEntry; isNew: boolean }> {
  const { affected } = await addDecisions(log, [line], by)
  if (affected === 1) return { line, isNew: true }
  const { rows } = await log.query<LedgerEntry>(`select ${selected} from ${table} where project = $1 and month = $2`, [
    line.project,
    line.month
  ])
  return { line: rows[0]!, isNew: false }
}

/** Adds those whose month was not decided on yet. */
export function addDecisions(log: Queryable, lines: readonly LedgerEntry[], by: string): Promise<{ affected: number }> {
  const column = <Key extends keyof LedgerEntry>(key: Key) => lines.map(line => line[key])
  return log.query(
    `insert into ${table} (project, month, xid, position, sessions, unit_price, currency, amount, at, decided_by)
     select *, $10::text from unnest($1::text[], $2::date[], $3::xid8[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[],
       $8::bigint[], $9::timestamptz[]) on conflict do nothing`,
    [
      column('project'),
      column('month'),
      column('xid'),
      column('position'),
      column('sessions'),
      column('unitPrice'),
      column('currency'),
      column('amount'),
      lines.map(({ at }) => new Date(at)),
      by
    ]
  )
}

/** All of them, as lines of the ledger: one a project and month at most. */
export async function readDecisions(log: Queryable): Promise<LedgerEntry[]> {
  const { rows } = await log.query<LedgerEntry>(`select ${selected} from ${table} order by project, month`)
  return rows
}

const table = 'billing_decisions.invoices'
const selected = `project, month::text as month, xid::text as xid, position, 'invoice' as kind, null as event, sessions,
  unit_price as "unitPrice", currency, amount, (extract(epoch from at) * 1000)::bigint as at`
