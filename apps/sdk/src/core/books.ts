import { bytesOf } from './limits.ts'
import type { Counts, Report } from './ports.ts'

/** What a store knows beside its events: how much they are, and what was lost. Plain data, changed in place. */
export interface Books {
  events: number
  bytes: number
  /** Lost, and in no report yet. */
  lost: { since: string; losses: Counts } | undefined
  report: Report | undefined
}

export interface QueueLimits {
  events: number
  bytes: number
}

export const emptyBooks = (): Books => ({ events: 0, bytes: 0, lost: undefined, report: undefined })

/** The contract allows 50 reasons a report; what is beyond is counted together. */
const reasons = 49

export function addLosses(books: Books, losses: Counts, at: string): void {
  books.lost ??= { since: at, losses: {} }
  const known = books.lost.losses
  for (const [reason, count] of Object.entries(losses)) {
    const name = reason in known || Object.keys(known).length < reasons ? reason : 'other'
    known[name] = (known[name] ?? 0) + count
  }
}

/** A newer event is refused rather than an older one dropped, which may be on its way to the server. */
export const hasRoom = (books: Books, body: string, limits: QueueLimits): boolean =>
  books.events < limits.events && books.bytes + bytesOf(body) <= limits.bytes

export function takeIn(books: Books, body: string): void {
  books.events++
  books.bytes += bytesOf(body)
}

export function letGo(books: Books, body: string): void {
  books.events--
  books.bytes -= bytesOf(body)
}

/** Moves what is lost into a report, unless one is under way. */
export function beginReport(books: Books, id: string, until: string): Report | undefined {
  if (!books.report && books.lost) {
    books.report = { id, until, ...books.lost }
    books.lost = undefined
  }
  return books.report
}

export const untold = ({ lost, report }: Books): Counts => sumOf(report?.losses ?? {}, lost?.losses ?? {})

export function sumOf(some: Counts, more: Counts): Counts {
  const sum = { ...some }
  for (const [reason, count] of Object.entries(more)) sum[reason] = (sum[reason] ?? 0) + count
  return sum
}

/** The first events of a list that fit a batch: at least one, of any size. */
export function batchOf<T extends { body: string }>(events: Iterable<T>, count: number, bytes: number): T[] {
  const batch: T[] = []
  let sum = 0
  for (const event of events) {
    sum += bytesOf(event.body) + 1
    if (batch.length >= count || (batch.length > 0 && sum > bytes)) break
    batch.push(event)
  }
  return batch
}
