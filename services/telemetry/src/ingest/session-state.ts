import { type Enrichment, regionOf, tierOf } from '../enrichment/enrichment.ts'

/** A session as the primary store keeps it: a fold of its events. Times in milliseconds. */
export interface SessionState {
  userId: string
  startedAt: number
  lastAt: number
  /** The latest session.end; the session is open while something happened after it. */
  endedAt: number | null
  enrichment: Enrichment
  events: number
  deletedAt: number | null
}

export interface SessionFact {
  type: string
  time: number
  userId: string
  enrichment: Enrichment
}

/**
 * Adds one event to a session. Start is the earliest time and activity the latest, and the user is the earliest event's
 * (the lesser id on a tie), so the order in which events arrive changes nothing. A deleted session stays as it is.
 */
export function foldSession(state: SessionState | undefined, fact: SessionFact): SessionState {
  const endedAt = fact.type === 'session.end' ? fact.time : null
  if (!state) {
    return {
      userId: fact.userId,
      startedAt: fact.time,
      lastAt: fact.time,
      endedAt,
      enrichment: fact.enrichment,
      events: 1,
      deletedAt: null
    }
  }
  if (state.deletedAt !== null) return state
  const earlier = fact.time < state.startedAt || (fact.time === state.startedAt && fact.userId < state.userId)
  const userId = earlier ? fact.userId : state.userId
  // Only what is known of this very user: another user's tier is not a guess at this one's.
  const enrichment =
    userId !== state.userId || (userId === fact.userId && state.enrichment.state === 'unknown')
      ? fact.enrichment
      : state.enrichment
  return {
    userId,
    startedAt: Math.min(state.startedAt, fact.time),
    lastAt: Math.max(state.lastAt, fact.time),
    endedAt: endedAt === null ? state.endedAt : Math.max(state.endedAt ?? endedAt, endedAt),
    enrichment,
    events: state.events + 1,
    deletedAt: null
  }
}

export function isOpen(state: SessionState): boolean {
  return state.endedAt === null || state.lastAt > state.endedAt
}

/** `[startedAt, lastAt, open, tier, region, enrichment, userId]`: what read models need to count a session. */
export type SessionSummary = [number, number, 0 | 1, string, string, Enrichment['state'], string]

export function summarise(state: SessionState | undefined): SessionSummary | null {
  if (!state || state.deletedAt !== null) return null
  const { enrichment } = state
  return [
    state.startedAt,
    state.lastAt,
    isOpen(state) ? 1 : 0,
    tierOf(enrichment),
    regionOf(enrichment),
    enrichment.state,
    state.userId
  ]
}
