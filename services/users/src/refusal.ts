import { DatabaseClosedError, isTransient, isUnavailable, QueueFullError } from '@plimsoll/database'
import { SubjectErasedError, WrongVersionError } from '@plimsoll/eventlog'
import { Problem, problem } from '@plimsoll/http'
import { DeadlineExceededError } from '@plimsoll/resilience'
import { mismatch } from './conditional.ts'
import { UserErasedError, UserError, UserNotFoundError } from './user/errors.ts'

const statuses: Record<string, number> = {
  user_exists: 409,
  user_not_found: 404,
  user_deleted: 410,
  user_erased: 410,
  too_many_flags: 400
}

/** What a failure means to the client; what is the server's own affair stays as it is. */
export function refusalOf(error: unknown, random: () => number = Math.random): unknown {
  if (error instanceof UserError) return problem(statuses[error.code]!, error.code, error.message)
  if (error instanceof SubjectErasedError) return refusalOf(new UserErasedError())
  if (error instanceof WrongVersionError) {
    if (error.actual === 0) return refusalOf(new UserNotFoundError())
    return mismatch(error.actual)
  }
  const again = (code: string, detail: string) =>
    new Problem(503, code, detail, { headers: { 'retry-after': String(1 + Math.floor(random() * 5)) } })
  if (error instanceof DeadlineExceededError)
    return again('store_slow', 'The store did not answer in the time there was; what was to be written may be or not.')
  if (error instanceof DatabaseClosedError || isUnavailable(error))
    return again('store_unavailable', 'The store cannot be reached; what was to be written may be or not.')
  if (error instanceof QueueFullError || isTransient(error))
    return again('contended', 'Others wrote to the same user at the same moment; nothing of this was written.')
  return error
}
