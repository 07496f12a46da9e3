import { type Aim, atLeast, atMost } from '@plimsoll/bench'
import { namedAim, namedFigures } from './causes/named.ts'
import { type NightReport, usualRate } from './night.ts'

/** What every drill must hold, by the promises (docs/architecture.md); a drill adds its own. */
export function standingAims(report: NightReport, { worstAgeMs = 3_000 } = {}): Aim[] {
  const { load, ledger, end } = report
  return [
    atMost('acknowledged and lost (P1)', Math.max(0, load.ok - end.sessions.total), 0, 'sessions'),
    atMost('counted twice (P2)', Math.max(0, end.sessions.total - load.requests), 0, 'sessions'),
    atLeast('books balance (P3)', ledger.balanced && ledger.pending === 0 ? 1 : 0, 1, ''),
    atMost('dashboard worst age (P6)', report.worstAgeMs, worstAgeMs, 'ms'),
    atMost('dashboard questions that failed (P6)', report.dashboard.failed, 0, ''),
    atMost('/health p99 (P7)', report.health.p99, 50, 'ms'),
    atMost('/ready p99 (P7)', report.ready.p99, 50, 'ms'),
    atMost('/health and /ready without an answer (P7)', report.health.failed + report.ready.failed, 0, ''),
    atMost('watcher /health p99 (P7)', report.watcher.p99, 50, 'ms'),
    atMost('share of sessions unknown at the end (P4)', end.freshness.unknownShare, 0, '')
  ]
}

/** That `plimsoll why` named the cause of each fault first, while it was on. */
export const causeAims = ({ named }: NightReport): Aim[] =>
  Object.entries(named).map(([phase, one]) => namedAim(phase, one))

/** What a dependency's fault may cost: P4. */
export function dependencyAims(report: NightReport, faulty: readonly string[]): Aim[] {
  const kept = Math.min(...faulty.map(name => report.phases[name]!.perSecond)) / healthyRate(report)
  const p99 = Math.max(...faulty.map(name => report.phases[name]!.p99))
  return [
    atLeast(`rate kept while ${faulty.join(' or ')} (P4)`, kept, 0.95, ''),
    atMost(`ack p99 while ${faulty.join(' or ')} (P4)`, p99, 250, 'ms'),
    atLeast('answers that said "unknown" (P4)', report.load.unknown, 1, ''),
    atMost('dashboard answers that were stale (P6)', report.staleAnswers, 0, '')
  ]
}

/** What was offered, or less: what a slow start left over is no rate that must be kept. */
const healthyRate = (report: NightReport) => Math.min(usualRate, report.phases.healthy!.perSecond)

/** After a fault of our own: that it is as it was before, by itself. */
export function recoveryAims(report: NightReport): Aim[] {
  const { after } = report.phases
  return [
    atLeast('rate afterwards, of the healthy rate', after!.perSecond / healthyRate(report), 0.95, ''),
    atMost('ack p99 afterwards', after!.okP99, 250, 'ms')
  ]
}

/** For people and programs: what happened, and what each policy did about it. */
export function figuresOf(report: NightReport): Record<string, unknown> {
  const figures: Record<string, unknown> = {}
  for (const [name, phase] of Object.entries(report.phases)) {
    figures[`${name}: sessions/s, ack p50 and p99 ms`] = [
      Math.round(phase.perSecond),
      Math.round(phase.p50),
      Math.round(phase.p99)
    ]
  }
  return {
    ...figures,
    'sessions acknowledged': report.load.ok,
    'sessions accepted': report.ledger.accepted,
    'sessions on the dashboard': report.end.sessions.total,
    'answers by status': report.load.statuses,
    'requests without an answer': report.load.failures,
    'sent again by clients': report.load.retried,
    'answers that said "unknown"': report.load.unknown,
    'seconds from the end of the load until all is counted and known': report.recoverySeconds,
    'sessions by tier at the end': report.end.sessions.byTier,
    '/health': report.health,
    '/ready': report.ready,
    'watcher /health': report.watcher,
    dashboard: report.dashboard,
    'dashboard worst age ms': report.worstAgeMs,
    'dashboard answers that were stale': report.staleAnswers,
    'what why said': Object.fromEntries(Object.entries(report.named).map(([phase, one]) => [phase, namedFigures(one)])),
    'what the policies did': Object.fromEntries(
      Object.entries(report.policies).map(([name, figures]) => [name, whatItDid(figures)])
    )
  }
}

/** Only what is not nothing. */
function whatItDid(figures: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(figures).filter(([name, value]) => value !== 0 && name !== 'policy'))
}
