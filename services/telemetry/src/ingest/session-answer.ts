import type { SessionAnswer } from '../contract.ts'
import { isOpen, type SessionState } from './session-state.ts'

/** A session as the contract shows it. */
export function answerOf(id: string, state: SessionState): SessionAnswer {
  const { enrichment } = state
  return {
    id,
    user: { id: state.userId },
    startedAt: new Date(state.startedAt).toISOString(),
    lastActivityAt: new Date(state.lastAt).toISOString(),
    endedAt: isOpen(state) ? null : new Date(state.endedAt!).toISOString(),
    events: state.events,
    enrichment:
      enrichment.state === 'known'
        ? { tier: enrichment.tier, region: enrichment.region, flags: enrichment.flags }
        : enrichment.state
  }
}
