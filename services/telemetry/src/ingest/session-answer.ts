import type { SessionAnswer } from '../contract.ts'
import { overAt, type SessionState, visitsOf } from './session-state.ts'

/** A session as the contract shows it, as of `now`. */
export function answerOf(id: string, state: SessionState, now: number): SessionAnswer {
  const { enrichment } = state
  const over = overAt(state, now)
  return {
    id,
    user: { id: state.userId },
    startedAt: new Date(state.startedAt).toISOString(),
    lastActivityAt: new Date(state.lastAt).toISOString(),
    endedAt: over === null ? null : new Date(over).toISOString(),
    events: state.events,
    visits: visitsOf(state).length / 2,
    enrichment:
      enrichment.state === 'known'
        ? { tier: enrichment.tier, region: enrichment.region, flags: enrichment.flags }
        : enrichment.state
  }
}
