import { DatabaseClosedError, isTransient, isUnavailable, isUniqueViolation, QueueFullError } from '@plimsoll/database'
import { Problem } from '@plimsoll/http'
import { DeadlineExceededError } from '@plimsoll/resilience'
import { SpoolClosedError, SpoolError } from '@plimsoll/spool'
import { KeyLooksFullError } from '../keys.ts'

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
  SPOOL_SHARE_USED: ['spool_full', 'this project has all the room it may have to keep this meanwhile'],
  SPOOL_BUSY: ['spool_busy', 'more waits for the disk than may'],
  SPOOL_WRITE_FAILED: ['spool_write_failed', 'the disk did not take this']
}

/** True when the store cannot be reached or cannot take anything: not when it is slow, and not when it refuses. */
export function storeIsAway(error: unknown): boolean {
  return error instanceof DatabaseClosedError || isUnavailable(error)
}

/** What asked the store: a write must know what may have become of it, a read has nothing to lose. */
export type Asking = 'read' | 'write'

interface Meaning {
  code: string
  /** What is the matter, as a sentence without its end. */
  what: string
  /** What a writer must know and do. */
  write: string
}

const notWritten = 'nothing of this was written. Send it again later.'
const sendAgain = 'this may be written or not. Send the same again later, its ids make that safe.'

/** What a failure of the store means to the client: it may ask or send the same again, and is told when. */
export function refusalOf(error: unknown, asking: Asking = 'write', random: () => number = Math.random): unknown {
  const meaning = meaningOf(error)
  if (!meaning) return error
  const { code, what, write } = meaning
  return comeBack(code, asking === 'write' ? `${what}; ${write}` : `${what}. Ask again later.`, random)
}

function meaningOf(error: unknown): Meaning | undefined {
  if (error instanceof QueueFullError)
    return { code: 'overloaded', what: 'More is waiting to be written than fits', write: notWritten }
  if (error instanceof KeyLooksFullError)
    return { code: 'overloaded', what: 'More new keys are to be looked for than can be at once', write: notWritten }
  if (error instanceof DeadlineExceededError)
    return { code: 'store_slow', what: 'The store did not answer in the time there was', write: sendAgain }
  // It may have been lost between a commit and its answer.
  if (storeIsAway(error) || error instanceof SpoolClosedError)
    return { code: 'store_unavailable', what: 'The store cannot be reached', write: sendAgain }
  if (error instanceof SpoolError) {
    const [code, what] = spoolRefusals[error.code] ?? ['spool_full', 'the room to keep this meanwhile is used up']
    return { code, what: `The store is away, and ${what}`, write: sendAgain }
  }
  // Another writer kept getting there first. The next try will see what it wrote.
  if (isUniqueViolation(error) || isTransient(error)) {
    const what = 'Another request wrote the same session or event at the same moment'
    return { code: 'contended', what, write: notWritten }
  }
  return undefined
}
