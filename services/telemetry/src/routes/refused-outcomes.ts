import type { EventOutcome } from '../ingest/work.ts'
import { limits } from '../limits.ts'

type Refused = Exclude<EventOutcome, 'accepted' | 'duplicate'>

/** What a client is told of an event that the state of the store refuses. */
export const refusedOutcomes: Readonly<Record<Refused, { code: string; detail: string }>> = {
  conflict: {
    code: 'id_conflict',
    detail: 'an event with this id and another body is in the log already; a new event needs a new id'
  },
  overfull: {
    code: 'too_many_visits',
    detail: `a session has at most ${limits.visits} visits; begin a new session id`
  },
  deleted: {
    code: 'session_deleted',
    detail: 'the session was deleted; a new session needs a new id, and a PUT brings this one back'
  }
}
