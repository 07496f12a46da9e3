import type { ProcedureContext, Transaction } from '@plimsoll/database'
import { type Cursor, isAfter, type LogEntry, moveCursor, type ReadStep, readStep } from '@plimsoll/eventlog'
import { type Backoff, delayOf, type Fault, faultOf } from '../consumer/fault.ts'
import type { Failure } from '../consumer/parking.ts'
import { failEntryAgain, giveEntryBack, type Lanes, lanesOf, parkEntries, takeDueEntry, unparkEntry } from './parked.ts'

/** What a subscriber of a log does with its entries, beside the engine of its own store. */
export interface BulkHandler {
  /**
   * Changes the store by these entries, in the transaction that moves the cursor; all of them, or it throws. What it throws
   * is the fault of one of them, unless it is the world's (`faultOf`): then they are halved until that one is found.
   */
  handle(tx: Transaction, entries: readonly LogEntry[]): Promise<void>
  /** What is kept in order with an entry that fails: later ones of this lane wait behind it. Default: its stream. */
  laneOf?(entry: LogEntry): string
}

/** Tries that have failed: what a group may park before it stands still, and how a parked entry is tried again. */
const mostLanes = 1_000
/** Halving on holds the engine, which others need: longer than this and the rest of the step is left for another call, in milliseconds. */
const patienceMs = 50
const maxAttempts = 5
const backoff: Backoff = { firstMs: 500, maxMs: 60_000 }

/** Too much is parked: this is no matter of some entries any more, and somebody has to look. */
export class BulkPoisonError extends Error {
  override readonly name = 'BulkPoisonError'
  readonly code = 'PUBSUB_TOO_MANY_PARKED'
  constructor(lanes: number) {
    super(
      `${lanes} keys are parked, which is the most there may be; nothing goes on until some are retried or discarded`
    )
  }
}

class HandlerFault extends Error {
  constructor(cause: unknown) {
    super('the handler failed', { cause })
  }
}

/** Look for parked entries that are due, of the subscriber of this name. */
export interface RetryOrder {
  retry: string
}

export interface BulkDone {
  /** Up to where in the log it came: short of the step when looking for what fails took too long. Absent of a retry. */
  at?: Cursor
  /** Entries that were handled. */
  handled: number
  /** Lanes in which something waits now. */
  lanes: number
  /** Until the next parked entry is due, in milliseconds; `null` when none is. */
  dueInMs: number | null
  /** What the last entry that was parked failed with. */
  error?: string
}

const defaultLane = ({ stream, id }: LogEntry) => stream ?? id

/**
 * The default export of a subscriber's procedure module (see `Database.call`): takes steps of a projection as bytes, and orders
 * to try again what is parked. One transaction for all of a step, as long as all of it can be handled.
 */
export function bulkProcedure({ handle, laneOf = defaultLane }: BulkHandler) {
  const attempt = async (tx: Transaction, entries: readonly LogEntry[]) => {
    try {
      await handle(tx, entries)
    } catch (error) {
      throw new HandlerFault(error)
    }
  }

  async function step(context: ProcedureContext, { name, entries: all, from, to }: ReadStep): Promise<BulkDone> {
    const began = performance.now()
    // Of a step that was left in the middle, what was done is in it still.
    const entries = all[0] && isAfter(all[0], from) ? all : all.filter(entry => isAfter(entry, from))
    let at = from
    let handled = 0
    let failed: string | undefined
    let waiting: Lanes = { lanes: new Set(), dueInMs: null }
    const pieces: LogEntry[][] = [entries]
    for (let piece = pieces.pop(); piece !== undefined; piece = pieces.pop()) {
      const last = piece.at(-1)!
      const end: Cursor = pieces.length === 0 ? to : { xid: last.xid, position: last.position }
      const move = { name, from: at, to: end }
      try {
        handled += await context.transaction(async tx => {
          await holdCursor(tx, name)
          waiting = await lanesOf(tx, name)
          const { lanes } = waiting
          if (lanes.size >= mostLanes) throw new BulkPoisonError(lanes.size)
          const [free, behind] = lanes.size === 0 ? [piece, []] : split(piece, entry => !lanes.has(laneOf(entry)))
          if (free.length > 0) await attempt(tx, free)
          if (behind.length > 0) await parkEntries(tx, name, behind, laneOf, null)
          await moveCursor(tx, move)
          return free.length
        })
      } catch (error) {
        const fault = judge(error)
        if (fault === 'world') throw error instanceof HandlerFault ? error.cause : error
        if (piece.length > 1) {
          const half = piece.length >> 1
          pieces.push(piece.slice(half), piece.slice(0, half))
          continue
        }
        const failure = failureOf((error as Error).cause, 1, fault)
        failed = failure.text
        await context.transaction(async tx => {
          await holdCursor(tx, name)
          await parkEntries(tx, name, piece, laneOf, failure)
          await moveCursor(tx, move)
        })
      }
      at = end
      if (failed !== undefined && performance.now() - began > patienceMs) break
    }
    if (failed !== undefined) waiting = await context.transaction(tx => lanesOf(tx, name), { readOnly: true })
    return { ...doneOf(handled, waiting, failed), at }
  }

  async function retry(context: ProcedureContext, name: string): Promise<BulkDone> {
    const due = await context.transaction(tx => takeDueEntry(tx, name))
    let handled = 0
    let failed: string | undefined
    if (due) {
      try {
        if (due.attempts > maxAttempts) throw new HandlerFault(new Error('its consumer died while it was tried'))
        await context.transaction(async tx => {
          await holdCursor(tx, name)
          await attempt(tx, [due.entry])
          await unparkEntry(tx, name, due)
        })
        handled = 1
      } catch (error) {
        const fault = judge(error)
        if (fault === 'world') {
          await context.transaction(tx => giveEntryBack(tx, due.number))
          throw error instanceof HandlerFault ? error.cause : error
        }
        const failure = failureOf((error as Error).cause, due.attempts, fault)
        failed = failure.text
        await context.transaction(tx => failEntryAgain(tx, due.number, failure))
      }
    }
    return doneOf(handled, await context.transaction(tx => lanesOf(tx, name), { readOnly: true }), failed)
  }

  return (context: ProcedureContext, argument: Uint8Array | RetryOrder): Promise<BulkDone> =>
    argument instanceof Uint8Array ? step(context, readStep(argument)) : retry(context, argument.retry)
}

const doneOf = (handled: number, { lanes, dueInMs }: Lanes, failed: string | undefined): BulkDone => ({
  handled,
  lanes: lanes.size,
  dueInMs,
  ...(failed !== undefined && { error: failed })
})

/** First, so that steps, retries and whoever else needs the place to stand still come one after another. */
async function holdCursor(tx: Transaction, name: string): Promise<void> {
  await tx.query('select from eventlog_cursors.cursors where name = $1 for update', [name])
}

/** Only what the handler did can be an entry's fault: our own statements fail for the world's reasons. */
const judge = (error: unknown): Fault => (error instanceof HandlerFault ? faultOf(error.cause) : 'world')

function failureOf(error: unknown, attempts: number, fault: Fault): Failure {
  const { message, code } = (error ?? {}) as { message?: unknown; code?: unknown }
  const over = fault === 'poison' || attempts >= maxAttempts
  return {
    text: String(message ?? error)
      .slice(0, 2_000)
      .replaceAll('\0', ' '),
    code: typeof code === 'string' ? code.slice(0, 100) : null,
    attempts,
    retryInMs: over ? null : delayOf(backoff, attempts, Math.random)
  }
}

function split<T>(all: readonly T[], isFirst: (one: T) => boolean): [T[], T[]] {
  const [yes, no]: [T[], T[]] = [[], []]
  for (const one of all) (isFirst(one) ? yes : no).push(one)
  return [yes, no]
}
