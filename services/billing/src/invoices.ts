import type { Database, Queryable } from '@plimsoll/database'
import { type Cursor, isAfter, parseEntry, readLog } from '@plimsoll/eventlog'
import { lanesOf } from '@plimsoll/pubsub/bulk'
import { addDecisions, decide, readDecisions } from './decisions.ts'
import { amountOf, correctionOf, type LedgerEntry, type Price } from './ledger/entry.ts'
import { readable } from './ledger/sessions.ts'
import { addLines, cursorName, holdCursor, readInvoices, readMonth } from './store.ts'

/**
 * An invoice is decided first, durably and where the log is, and then put into the ledger. A decision whose second half was
 * cut off stands, and is put in later: at the start, or by the next who asks.
 */

const byAdmin = 'admin'
const byLedger = 'ledger before 0029'
const pageEntries = 1_000

export type Invoiced =
  | { invoice: LedgerEntry; made: boolean }
  | { short: Cursor }
  | { parked: number }
  | { cut: number }

export interface Order {
  project: string
  month: string
  price: Price
  at: number
  /** What it must hold. */
  least: Cursor
}

/**
 * Invoices a month as it stands, once: a second time it gives the line that there is. Steps of the log wait meanwhile, so the
 * line holds everything up to its place and nothing of what comes behind it. `short` when that is not `least` yet, `parked` when
 * something waits behind a failure and `cut` when the log had lost some of the month before it was counted: it would be missing
 * from the bill.
 */
export function invoiceMonth(log: Database, store: Database, order: Order): Promise<Invoiced> {
  const { project, month, price, at, least } = order
  return store.transaction(async tx => {
    const cursor = await holdCursor(tx)
    const { sessions, invoice, wholeFrom } = await readMonth(tx, project, month)
    if (invoice) return { invoice, made: false }
    if (isAfter(least, cursor)) return { short: cursor }
    const { lanes } = await lanesOf(tx, cursorName)
    if (lanes.size > 0) return { parked: lanes.size }
    if (wholeFrom !== undefined) return { cut: wholeFrom }
    const { unitPrice, currency } = price
    const amount = amountOf(sessions, price)
    const place = { project, month, ...cursor }
    const line: LedgerEntry = { ...place, kind: 'invoice', event: null, sessions, unitPrice, currency, amount, at }
    const decided = await decide(log, line, byAdmin)
    await addLines(tx, [decided.line, ...(await missedBy(log, decided.line, cursor))])
    return { invoice: decided.line, made: decided.isNew }
  })
}

export interface Settled {
  /** All decisions, which are in the ledger now. */
  decided: LedgerEntry[]
  /** But for so many: what waits behind a failure must be counted first. */
  waiting: number
}

/**
 * Puts into the ledger what was decided and is not in it: into an empty one all invoices, before the first entry of the log is
 * counted. And tells the decisions of what only the ledger knows.
 */
export async function settleInvoices(log: Database, store: Database): Promise<Settled> {
  const [decisions, before] = await Promise.all([readDecisions(log), readInvoices(store)])
  const unknown = without(before, decisions)
  if (unknown.length > 0) await addDecisions(log, unknown, byLedger)
  const decided = [...decisions, ...unknown]
  if (without(decisions, before).length === 0) return { decided, waiting: 0 }
  return store.transaction(async tx => {
    const cursor = await holdCursor(tx)
    const missing = without(decisions, await readInvoices(tx))
    const late = missing.filter(line => isAfter(cursor, line))
    // Nothing behind their place was counted yet: corrections come as it is.
    await addLines(tx, without(missing, late))
    if (late.length > 0 && (await lanesOf(tx, cursorName)).lanes.size > 0) return { decided, waiting: late.length }
    for (const line of late) await addLines(tx, [line, ...(await missedBy(log, line, cursor))])
    return { decided, waiting: 0 }
  })
}

/** The corrections to an invoice that were not made while it was not in the ledger: by entries behind it, up to the cursor. */
async function missedBy(log: Queryable, invoice: LedgerEntry, cursor: Cursor): Promise<LedgerEntry[]> {
  const missed: LedgerEntry[] = []
  for (let at: Cursor = invoice; isAfter(cursor, at); ) {
    const { entries } = await readLog(log, at, pageEntries)
    const within = entries.filter(entry => !isAfter(entry, cursor))
    for (const stored of within) {
      const entry = parseEntry({ ...stored, data: null })
      if (entry.tenant !== invoice.project) continue
      for (const change of readable(entry) ?? [])
        if (change.month === invoice.month) missed.push(correctionOf(entry, change, invoice))
    }
    const last = within.at(-1)
    if (!last || within.length < entries.length) break
    at = last
  }
  return missed
}

const keyOf = ({ project, month }: LedgerEntry) => `${project} ${month}`

function without(lines: readonly LedgerEntry[], others: readonly LedgerEntry[]): LedgerEntry[] {
  const known = new Set(others.map(keyOf))
  return lines.filter(line => !known.has(keyOf(line)))
}
