import { copyRow, type Database, migrate, type Queryable, type Transaction } from '@plimsoll/database'
import type { Cursor, LogEntry } from '@plimsoll/eventlog'
import { LogSubscriber, lanesOf } from '@plimsoll/pubsub/bulk'
import { amountOf, correctionOf, type LedgerEntry, type Price } from './ledger/entry.ts'
import type { Books } from './ledger/replay.ts'
import { changesOf } from './ledger/sessions.ts'

/** All SQL of billing. */

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
    tx.query<{ project: string; month: string } & Price>(
      `select project, month::text as month, unit_price as "unitPrice", currency from billing.ledger
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
  const prices = new Map(invoices.map(invoice => [`${invoice.project} ${invoice.month}`, invoice]))
  const lines = changed.flatMap(({ entry, change, key }) => {
    const price = prices.get(key)
    return price ? [correctionOf(entry, change, price)] : []
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

async function addLines(tx: Queryable, lines: readonly LedgerEntry[]): Promise<void> {
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
}

interface MonthRow {
  project: string
  month: string
  sessions: number
}

/** One month; zeros where nothing was counted. */
export async function readMonth(db: Queryable, project: string, month: string): Promise<Month> {
  const [usage, invoices, corrections] = await Promise.all([
    db.query<MonthRow>('select sessions from billing.usage where project = $1 and month = $2', [project, month]),
    db.query<LedgerEntry>(
      `select ${selected} from billing.ledger where project = $1 and month = $2 and kind = 'invoice'`,
      [project, month]
    ),
    db.query<Month['corrections']>(
      `select count(*)::bigint as entries, coalesce(sum(sessions), 0)::bigint as sessions, coalesce(sum(amount), 0)::bigint as amount
       from billing.ledger where project = $1 and month = $2 and kind = 'correction'`,
      [project, month]
    )
  ])
  const [invoice] = invoices.rows
  return { project, month, sessions: usage.rows[0]?.sessions ?? 0, invoice, corrections: corrections.rows[0]! }
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

export type Invoiced = { invoice: LedgerEntry; made: boolean } | { short: Cursor } | { parked: number }

/**
 * Invoices a month as it stands, once: a second time it gives the line that there is. Steps of the log wait meanwhile, so the
 * line holds everything up to its place and nothing of what comes behind it. `short` when that is not `least` yet, `parked` when
 * something waits behind a failure: it would be missing from the bill.
 */
export function invoiceMonth(
  store: Database,
  { project, month, price, at, least }: { project: string; month: string; price: Price; at: number; least: Cursor }
): Promise<Invoiced> {
  return store.transaction(async tx => {
    const { rows } = await tx.query<Cursor & { reached: boolean }>(
      `select xid::text as xid, position, (c.xid, c.position) >= ($2::xid8, $3::bigint) as reached
       from eventlog_cursors.cursors c where name = $1 for update`,
      [cursorName, least.xid, least.position]
    )
    const { reached, ...cursor } = rows[0] ?? { xid: '0', position: 0, reached: false }
    const { sessions, invoice } = await readMonth(tx, project, month)
    if (invoice) return { invoice, made: false }
    if (!reached) return { short: cursor }
    const { lanes } = await lanesOf(tx, cursorName)
    if (lanes.size > 0) return { parked: lanes.size }
    const { unitPrice, currency } = price
    const amount = amountOf(sessions, price)
    const line: LedgerEntry = {
      project,
      month,
      ...cursor,
      kind: 'invoice',
      event: null,
      sessions,
      unitPrice,
      currency,
      amount,
      at
    }
    await addLines(tx, [line])
    return { invoice: line, made: true }
  })
}

export interface Live extends Books {
  cursor: Cursor
  /** Entries of the log that are in the books. */
  entries: number
}

/** The books as they are, all of one moment. */
export function readBooks(store: Database): Promise<Live> {
  return store.transaction(
    async tx => {
      const [cursors, handled, usage, ledger] = await Promise.all([
        tx.query<Cursor>('select xid::text as xid, position from eventlog_cursors.cursors where name = $1', [
          cursorName
        ]),
        tx.query<{ entries: number }>('select entries from billing.handled'),
        tx.query<MonthRow>('select project, month::text as month, sessions from billing.usage'),
        tx.query<LedgerEntry>(`select ${selected} from billing.ledger`)
      ])
      return {
        cursor: cursors.rows[0] ?? { xid: '0', position: 0 },
        entries: handled.rows[0]!.entries,
        usage: usage.rows.map(({ project, month, sessions }) => [project, month, sessions] as const),
        ledger: ledger.rows
      }
    },
    { isolation: 'repeatable read', readOnly: true }
  )
}
