import type { Enrichment } from '../enrichment/enrichment.ts'
import type { SessionState } from './session-state.ts'
import type { ValidEvent } from './validate.ts'

/** What waits for a commit. Each kind has one outcome of its own. */
export type Work =
  | {
      kind: 'events'
      project: string
      minute: number
      events: readonly ValidEvent[]
      rejected: number
      /** Events that the store refuses for good: counted, and not written. */
      quarantined?: number
      /** When the answer to this request must be given again word for word, as for an Idempotency-Key: as of when it is. */
      answeredAt?: number
    }
  | { kind: 'put'; project: string; minute: number; sessionId: string; put: SessionPut; logId: string }
  | { kind: 'delete'; project: string; minute: number; sessionId: string; at: number; logId: string }
  | {
      kind: 'enrich'
      project: string
      sessionId: string
      userId: string
      enrichment: Enrichment
      at: number
      logId: string
    }
  | { kind: 'refused'; project: string; code: string; count: number }

/** The whole of what a client may set; what is undefined stays as it is. */
export interface SessionPut {
  at: number
  userId?: string | undefined
  startedAt?: number | undefined
  endedAt?: number | null | undefined
  enrichment?: Enrichment | undefined
}

/**
 * `overfull`: the session has as many visits as it may have. `deleted`: it was deleted, and the work asked for it as its
 * answer; any other event of a deleted session is counted and leaves it as it is.
 */
export type EventOutcome = 'accepted' | 'duplicate' | 'conflict' | 'overfull' | 'deleted'

export type Outcome =
  | {
      kind: 'events'
      outcomes: EventOutcome[]
      /** The session after the event, for work that asked for an answer. */
      session?: SessionState
    }
  | { kind: 'put'; session: SessionState; changed: boolean }
  | { kind: 'put-refused'; code: 'user_required' | 'ends_before_start' }
  | { kind: 'delete'; existed: boolean }
  | { kind: 'done' }

export interface LedgerRow {
  received: number
  accepted: number
  duplicate: number
  rejected: number
  quarantined: number
}
