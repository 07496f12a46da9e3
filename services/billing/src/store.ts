import { copyRow, type Database, migrate, type Queryable, type Transaction } from '@plimsoll/database'
import { type Cursor, isAfter, type LogEntry } from '@plimsoll/eventlog'
import { LogSubscriber } from '@plimsoll/pubsub/bulk'
import { correctionOf, type LedgerEntry, type Price } from './ledger/entry.ts'
import type { Books } from './ledger/replay.ts'
import { changesOf } from './ledger/sessions.ts'

/** All SQL of billing in its own store. */

export const cursorName = 'billing'
export const rewrittenTables = ['billing.usage', 'billing.handled']

export async function migrateBilling(store: Database): Promise<void> {
  await LogSubscriber.migrate(store)
  await migrate(store, 'billing', new URL('./migrations/', import.meta.url))
}

/** Counts entries, and adds a correction for each that changes a month that was invoiced. */
export async function billEntries(tx: Transaction, entries: readonly LogEntry[]): Promise<void> {
  const counts = new Map<string, { project: string; month: string; sessions: number }>()
  const changed: { entry: LogEntry; change: ReturnType<typeof changesOf>[number]; key: string }[] = []
  for (const entry of entries) {
    for (const change of changesOf(entry)) {
      const { tenant: project } = entry
      const { month, sessions } = change
      const key = `${project} ${month}`
      const count = counts.get(key) ?? { project, month, sessions: 0 }
      counts.set(key, count)
      count.sessions += sessions
      changed.push({ entry, change, key })
    }
  }
  await tx.query('update billing.handled set entries = entries + $1', [entries.length])
  if (counts.size === 0) return
  const rows = [...counts.values()]
  const keys = [rows.map(({ project }) => project), rows.map(({ month }) => month)]
  const [{ rows: invoices }] = await Promise.all([
    tx.query<{ project: string; month: string } & Price & Cursor>(
      `select project, month::text as month, xid::text as xid, position, unit_price as "unitPrice", currency from billing.ledger
       where kind = 'invoice' and (project, month) in (select * from unnest($1::text[], $2::date[]))`,
      keys
    ),
    // Also what comes to nothing: else how the log is cut would show in which months there are.
    tx.query(
      `insert into billing.usage as u (project, month, sessions) select * from unnest($1::text[], $2::date[], $3::bigint[])
       on conflict (project, month) do update set sessions = u.sessions + excluded.sessions`,
      [...keys, rows.map(({ sessions }) => sessions)]
    )
  ])
  if (invoices.length === 0) return
  const invoiced = new Map(invoices.map(invoice => [`${invoice.project} ${invoice.month}`, invoice]))
  const lines = changed.flatMap(({ entry, change, key }) => {
    const invoice = invoiced.get(key)
    // In a ledger that is made again the invoices are there first; what they hold comes after them.
    return invoice && isAfter(entry, invoice) ? [correctionOf(entry, change, invoice)] : []
  })
  await addLines(tx, lines)
}

const columns = [
  ['project', 'project'],
  ['month', 'month::text'],
  ['xid', 'xid::text'],
  ['position', 'position'],
  ['kind', 'kind'],
  ['event', 'event::text'],
  ['sessions', 'sessions'],
  ['unit_price', 'unit_price'],
  ['currency', 'currency'],
  ['amount', 'amount'],
  ['at', '(extract(epoch from at) * 1000)::bigint']
] as const
const named = (name: string) => (name === 'unit_price' ? '"unitPrice"' : `"${name}"`)
const selected = columns.map(([name, sql]) => `${sql} as ${named(name)}`).join(', ')

export async function addLines(tx: Queryable, lines: readonly LedgerEntry[]): Promise<void> {
  const text = lines
    .map(e =>
      copyRow([
        e.project,
        e.month,
        e.xid,
        e.position,
        e.kind,
        e.event,
        e.sessions,
        e.unitPrice,
        e.currency,
        e.amount,
        new Date(e.at)
      ])
    )
    .join('')
  if (text === '') return
  await tx.copyIn(
    'billing.ledger',
    columns.map(([name]) => name),
    text
  )
}

export interface Month {
  project: string
  month: string
  sessions: number
  invoice: LedgerEntry | undefined
  corrections: { entries: number; sessions: number; amount: number }
  /** Where the log had lost some of this month before it was counted: when whole months begin, in milliseconds since 1970. */
  wholeFrom: number | undefined
}

interface MonthRow {
  project: string
  month: string
  sessions: number
}

/** One month, all of one moment: an invoice without the corrections that came with it would be another amount. */
export function readMonthNow(store: Database, project: string, month: string): Promise<Month> {
  return store.transaction(tx => readMonth(tx, project, month), { isolation: 'repeatable read', readOnly: true })
}

/** One month; zeros where nothing was counted. What it asks is of one moment only in a transaction that sees to that. */
export async function readMonth(db: Queryable, project: string, month: string): Promise<Month> {
  const [usage, invoices, sums, wholeFrom] = await Promise.all([
    db.query<MonthRow>('select sessions from billing.usage where project = $1 and month = $2', [project, month]),
    db.query<LedgerEntry>(
      `select ${selected} from billing.ledger where project = $1 and month = $2 and kind = 'invoice'`,
      [project, month]
    ),
    db.query<Month['corrections']>(
      `select count(*)::bigint as entries, coalesce(sum(sessions), 0)::bigint as sessions, coalesce(sum(amount), 0)::bigint as amount
       from billing.ledger where project = $1 and month = $2 and kind = 'correction'`,
      [project, month]
    ),
    readWholeFrom(db)
  ])
  const [invoice] = invoices.rows
  const corrections = sums.rows[0]!
  const isWhole = wholeFrom === undefined || Date.parse(month) >= wholeFrom
  // The invoice tells what was counted before it, where the log does not any more.
  const sessions = invoice && !isWhole ? invoice.sessions + corrections.sessions : (usage.rows[0]?.sessions ?? 0)
  return { project, month, sessions, invoice, corrections, wholeFrom: isWhole ? undefined : wholeFrom }
}

/** All invoices of the ledger. */
export async function readInvoices(db: Queryable): Promise<LedgerEntry[]> {
  const { rows } = await db.query<LedgerEntry>(`select ${selected} from billing.ledger where kind = 'invoice'`)
  return rows
}

/** Months that begin here or later are whole, in milliseconds since 1970; undefined when all are. */
export async function readWholeFrom(db: Queryable): Promise<number | undefined> {
  const { rows } = await db.query<{ from: number | null }>(
    'select (extract(epoch from whole_from) * 1000)::bigint as "from" from billing.handled'
  )
  return rows[0]!.from ?? undefined
}

/** To be said before anything is counted. True when nothing was. */
export async function beginFrom(store: Database, wholeFrom: number | undefined): Promise<boolean> {
  const { affected } = await store.query('update billing.handled set whole_from = $1 where entries = 0', [
    wholeFrom === undefined ? null : new Date(wholeFrom)
  ])
  return affected === 1
}

/** Where the books stand; nothing is counted until this transaction ends. */
export async function holdCursor(tx: Transaction): Promise<Cursor> {
  await tx.query(
    "insert into eventlog_cursors.cursors (name, xid, position) values ($1, '0', 0) on conflict do nothing",
    [cursorName]
  )
  const { rows } = await tx.query<Cursor>(
    'select xid::text as xid, position from eventlog_cursors.cursors where name = $1 for update',
    [cursorName]
  )
  return rows[0]!
}

/** The months in which a project had sessions, the latest first. */
export async function listMonths(
  db: Queryable,
  project: string,
  limit: number
): Promise<{ month: string; sessions: number; invoiced: boolean }[]> {
  const { rows } = await db.query<{ month: string; sessions: number; invoiced: boolean }>(
    `select month::text as month, sessions, exists (select from billing.ledger l
       where l.project = u.project and l.month = u.month and l.kind = 'invoice') as invoiced
     from billing.usage u where project = $1 order by u.month desc limit $2`,
    [project, limit]
  )
  return rows
}

/** The lines of a month behind a place, in the order of the log. */
export async function readLines(
  db: Queryable,
  project: string,
  month: string,
  after: Cursor,
  limit: number
): Promise<LedgerEntry[]> {
  const { rows } = await db.query<LedgerEntry>(
    `select ${selected} from billing.ledger l where project = $1 and month = $2 and (l.xid, l.position) > ($3::xid8, $4::bigint)
     order by l.xid, l.position limit $5`,
    [project, month, after.xid, after.position, limit]
  )
  return rows
}

export interface Live extends Books {
  cursor: Cursor
  /** Entries of the log that are in the books. */
  entries: number
  wholeFrom: number | undefined
}

/** The books as they are, all of one moment. */
export function readBooks(store: Database): Promise<Live> {
  return store.transaction(
    async tx => {
      const [cursors, handled, usage, ledger, wholeFrom] = await Promise.all([
        tx.query<Cursor>('select xid::text as xid, position from eventlog_cursors.cursors where name = $1', [
          cursorName
        ]),
        tx.query<{ entries: number }>('select entries from billing.handled'),
        tx.query<MonthRow>('select project, month::text as month, sessions from billing.usage'),
        tx.query<LedgerEntry>(`select ${selected} from billing.ledger`),
        readWholeFrom(tx)
      ])
      return {
        cursor: cursors.rows[0] ?? { xid: '0', position: 0 },
        entries: handled.rows[0]!.entries,
        usage: usage.rows.map(({ project, month, sessions }) => [project, month, sessions] as const),
        ledger: ledger.rows,
        wholeFrom
      }
    },
    { isolation: 'repeatable read', readOnly: true }
  )
}
