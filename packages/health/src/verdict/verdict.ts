import { type HealthDocument, type Measurement, type Status, worst } from './document.ts'
import { ofCheck, ofProcess, silence } from './measurements.ts'
import type { Limits, Seen } from './seen.ts'

/**
 * Am I alive? Asks for nothing but signs of life of the main thread: a dependency that is away does not get better by
 * restarting those who depend on it.
 */
export function liveness(seen: Seen, limits: Limits): HealthDocument {
  const beat = silence(seen, limits)
  const draining = beat.status === 'pass' && seen.state.draining
  return document(
    limits,
    draining ? 'warn' : beat.status,
    beat.output ?? (draining ? seen.details.notReady : 'alive'),
    {
      'eventLoop:silence': [beat]
    }
  )
}

/** Has it started? Says yes for ever once it was said, so that what comes later is the matter of the other two. */
export function startup({ state, uptimeMs, wallMs }: Seen, limits: Limits): HealthDocument {
  const status = state.started ? 'pass' : 'fail'
  return document(limits, status, state.started ? 'started' : 'starting', {
    'process:uptime': [
      {
        status,
        observedValue: Math.round(uptimeMs / 1000),
        observedUnit: 's',
        time: new Date(wallMs).toISOString()
      }
    ]
  })
}

/**
 * Should I get traffic? Not while starting, stuck, draining or told so, and not while a resource of one's own fails.
 * What is shared only degrades it to `warn`, since it would take out every replica at once and help none.
 */
export function readiness(seen: Seen, limits: Limits): HealthDocument {
  const beat = silence(seen, limits)
  const checks: Record<string, Measurement[]> = { 'eventLoop:silence': [beat] }
  const statuses: Status[] = [beat.status]
  const words: string[] = beat.output === undefined ? [] : [beat.output]
  const unwilling = whyNot(seen)
  if (unwilling !== undefined) {
    statuses.push('fail')
    words.push(unwilling)
  }
  for (const view of seen.details.checks) {
    if (view.readiness === 'none') continue
    const measured = ofCheck(view, seen)
    checks[view.name] = [measured]
    const bad = measured.status === 'fail' && view.readiness === 'warn' ? 'warn' : measured.status
    statuses.push(bad)
    if (measured.status !== 'pass') words.push(`${view.name}: ${measured.output ?? measured.status}`)
  }
  const status = worst(statuses)
  return document(limits, status, words.join('; ') || 'ready', checks)
}

/** Everything, for people and alerts: any check that fails makes it fail. No orchestrator may act on it. */
export function report(seen: Seen, limits: Limits): HealthDocument {
  const unwilling = whyNot(seen)
  const checks: Record<string, Measurement[]> = {
    ...ofProcess(seen, limits),
    'process:ready': [
      {
        status: unwilling === undefined ? 'pass' : 'warn',
        observedValue: unwilling === undefined,
        time: new Date(seen.wallMs).toISOString(),
        ...(unwilling === undefined ? {} : { output: unwilling })
      }
    ],
    ...Object.fromEntries(seen.details.checks.map(view => [view.name, [ofCheck(view, seen)]]))
  }
  const all = Object.entries(checks).flatMap(([name, list]) => list.map(measured => ({ name, ...measured })))
  const status = worst(all.map(measured => measured.status))
  const words = all.filter(measured => measured.status === status && status !== 'pass')
  return document(
    limits,
    status,
    words.map(({ name, output }) => `${name}: ${output ?? status}`).join('; ') || 'all is well',
    checks
  )
}

function whyNot({ state, details }: Seen): string | undefined {
  if (state.draining) return details.notReady
  if (!state.started) return 'starting'
  return state.ready ? undefined : details.notReady
}

function document(
  { release, service }: Limits,
  status: Status,
  output: string,
  checks: HealthDocument['checks']
): HealthDocument {
  return {
    status,
    output,
    ...(release === undefined ? {} : { releaseId: release }),
    ...(service === undefined ? {} : { serviceId: service }),
    checks
  }
}
