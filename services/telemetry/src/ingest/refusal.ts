import { DatabaseClosedError, isTransient, isUnavailable, isUniqueViolation, QueueFullError } from '@plimsoll/database'
import { Problem } from '@plimsoll/http'
import { DeadlineExceededError } from '@plimsoll/resilience'
import { SpoolClosedError, SpoolError } from '@plimsoll/spool'

/** Seconds after which to come back, as a header says it: a random one of those within. */
export function comeBackAfter(random: () => number = Math.random, withinSeconds = 5): string {
  return String(1 + Math.floor(random() * Math.max(5, withinSeconds)))
}

/** A 503 that spreads its callers: they come back at a random moment of the next one to five seconds, or of more. */
function comeBack(code: string, detail: string, random: () => number, withinSeconds = 5): Problem {
  return new Problem(503, code, detail, {
    headers: { 'retry-after': comeBackAfter(random, withinSeconds) }
  })
}

/** The door is closed: what came now would wait for too long. */
export function overloaded(waitMs: number, random: () => number = Math.random): Problem {
  return comeBack(
    'overloaded',
    'More is waiting to be written than can be written soon; nothing of this was written. Send it again later.',
    random,
    Math.min(10, (2 * waitMs) / 1_000)
  )
}

/** What a spool that did not take something means, by its code. */
const spoolRefusals: Record<string, [code: string, what: string]> = {
  SPOOL_BUSY: ['spool_busy', 'more waits for the disk than may'],
  SPOOL_WRITE_FAILED: ['spool_write_failed', 'the disk did not take this']
}

/** True when the store cannot be reached or cannot take anything: not when it is slow, and not when it refuses. */
export function storeIsAway(error: unknown): boolean {
  return error instanceof DatabaseClosedError || isUnavailable(error)
}

/** What a failed commit means to the client: it may send the same again, and is told when. */
export function refusalOf(error: unknown, random: () => number = Math.random): unknown {
  if (error instanceof QueueFullError)
    return comeBack(
      'overloaded',
      'More is waiting to be written than fits; nothing of this was written. Send it again later.',
      random
    )
  if (error instanceof DeadlineExceededError) {
    return comeBack(
      'store_slow',
      'The store did not answer in the time there was. This may be written or not: send the same again, its ids make that safe.',
      random
    )
  }
  if (storeIsAway(error) || error instanceof SpoolClosedError) {
    return comeBack(
      'store_unavailable',
      'The store cannot be reached; nothing of this was written. Send it again later.',
      random
    )
  }
  if (error instanceof SpoolError) {
    const [code, what] = spoolRefusals[error.code] ?? ['spool_full', 'the room to keep this meanwhile is used up']
    return comeBack(code, `The store is away, and ${what}; nothing of this was written. Send it again later.`, random)
  }
  // Another writer kept getting there first. The next try will see what it wrote.
  if (isUniqueViolation(error) || isTransient(error)) {
    return comeBack(
      'contended',
      'Another request wrote the same session or event at the same moment; nothing of this was written. Send it again.',
      random
    )
  }
  return error
}
