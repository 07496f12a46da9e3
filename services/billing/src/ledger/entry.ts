import type { Cursor, LogEntry } from '@plimsoll/eventlog'
import type { Change } from './sessions.ts'

/** What one session costs, in the smallest unit of a currency. */
export interface Price {
  unitPrice: number
  currency: string
}

/** One line of the ledger. It is never changed; what was wrong is set right by another line. */
export interface LedgerEntry extends Cursor, Price {
  project: string
  month: string
  kind: 'invoice' | 'correction'
  /** The entry of the log that caused a correction. */
  event: string | null
  /** Of an invoice all of the month's, of a correction more (or fewer) than were known. */
  sessions: number
  amount: number
  /** Milliseconds since 1970. */
  at: number
}

/** A sum that a number cannot hold exactly. No price and no count that were foreseen come near it. */
export class AmountError extends Error {
  override readonly name = 'AmountError'
  readonly code = 'PLIMSOLL_BILLING_AMOUNT'
  constructor() {
    super('the amount is too large to be held exactly')
  }
}

/** @throws AmountError */
export function amountOf(sessions: number, { unitPrice }: Price): number {
  const amount = sessions * unitPrice
  if (!Number.isSafeInteger(amount)) throw new AmountError()
  return amount
}

/** @throws AmountError */
export function correctionOf(entry: LogEntry, { month, sessions }: Change, price: Price): LedgerEntry {
  const { tenant: project, xid, position, id: event, time: at } = entry
  const { unitPrice, currency } = price
  const amount = amountOf(sessions, price)
  return { project, month, kind: 'correction', xid, position, event, sessions, unitPrice, currency, amount, at }
}

/** A line as text, the same for the same line wherever it comes from: what hashes are made of. */
export const lineOf = (e: LedgerEntry) =>
  JSON.stringify([
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
    e.at
  ])

/** The order of the ledger: by project, month and place in the log. */
export function inOrder(a: LedgerEntry, b: LedgerEntry): number {
  if (a.project !== b.project) return a.project < b.project ? -1 : 1
  if (a.month !== b.month) return a.month < b.month ? -1 : 1
  const [x, y] = [BigInt(a.xid), BigInt(b.xid)]
  if (x !== y) return x < y ? -1 : 1
  return a.position - b.position
}
