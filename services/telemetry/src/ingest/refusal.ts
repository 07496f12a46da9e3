import { DatabaseClosedError, isTransient, isUnavailable, isUniqueViolation, QueueFullError } from '@plimsoll/database'
import { Problem } from '@plimsoll/http'
import { DeadlineExceededError } from '@plimsoll/resilience'

/** A 503 that spreads its callers: they come back at a random moment of the next one to five seconds, or of more. */
function comeBack(code: string, detail: string, random: () => number, withinSeconds = 5): Problem {
  return new Problem(503, code, detail, {
    headers: { 'retry-after': String(1 + Math.floor(random() * Math.max(5, withinSeconds))) }
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
  if (error instanceof DatabaseClosedError || isUnavailable(error)) {
    return comeBack(
      'store_unavailable',
      'The store cannot be reached; nothing of this was written. Send it again later.',
      random
    )
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
