import type { CheckView } from '../board/details.ts'
import type { Measurement, Status } from './document.ts'
import type { Limits, Seen } from './seen.ts'

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

const iso = (wallMs: number) => new Date(wallMs).toISOString()

/** How long the main thread has been silent, and whether that is too long. */
export function silence({ silentMs, wallMs }: Seen, { stuckAfterMs }: Limits): Measurement {
  const stuck = silentMs > stuckAfterMs
  return {
    status: stuck ? 'fail' : 'pass',
    observedValue: Math.round(silentMs),
    observedUnit: 'ms',
    time: iso(wallMs),
    ...(stuck ? { output: `the main thread is stuck: no sign of life for ${seconds(silentMs)}` } : {})
  }
}

/** A check with its age. A good result that is too old is no longer a good one; a bad one stays what it is. */
export function ofCheck(view: CheckView, { nowMs, wallMs }: Seen): Measurement {
  const { kind, readiness, because, observedValue, observedUnit, failures } = view
  const ageMs = view.atMs === undefined ? undefined : Math.max(0, nowMs - view.atMs)
  const stale = ageMs !== undefined && ageMs > view.staleAfterMs
  const output = [
    ageMs === undefined ? 'no result yet' : view.output,
    stale ? `last looked at ${seconds(ageMs)} ago` : undefined
  ]
    .filter(text => text !== undefined)
    .join('; ')
  return {
    status: statusOf(view, stale),
    ...(observedValue === undefined ? {} : { observedValue }),
    ...(observedUnit === undefined ? {} : { observedUnit }),
    time: iso(wallMs - (ageMs ?? 0)),
    ...(output === '' ? {} : { output }),
    kind,
    readiness,
    ...(because === undefined ? {} : { because }),
    ...(ageMs === undefined ? {} : { ageMs: Math.round(ageMs) }),
    failures
  }
}

function statusOf({ status, readiness }: CheckView, stale: boolean): Status {
  // Nobody is sent to a process whose own resources nobody has looked at yet. Its first look is bounded in time.
  if (status === 'unknown') return readiness === 'fail' ? 'fail' : 'warn'
  return status === 'pass' && stale ? 'warn' : status
}

/** What is measured of every process. */
export function ofProcess(seen: Seen, limits: Limits): Record<string, Measurement[]> {
  const { figures, wallMs, rssBytes, uptimeMs, restarts } = seen
  const time = iso(wallMs)
  const value = (observedValue: number, observedUnit: string, warn?: string): Measurement[] => [
    {
      status: warn === undefined ? 'pass' : 'warn',
      observedValue,
      observedUnit,
      time,
      ...(warn === undefined ? {} : { output: warn })
    }
  ]
  const late = figures.delayP99Ms > limits.loopDelayWarnMs
  const heapShare = figures.heapLimitBytes === 0 ? 0 : figures.heapUsedBytes / figures.heapLimitBytes
  const full = heapShare > limits.heapWarnShare
  const percent = Math.round(heapShare * 1000) / 10
  return {
    'eventLoop:silence': [silence(seen, limits)],
    'eventLoop:delayP50': value(rounded(figures.delayP50Ms), 'ms'),
    'eventLoop:delayP99': value(
      rounded(figures.delayP99Ms),
      'ms',
      late ? `the event loop is late by ${Math.round(figures.delayP99Ms)} ms` : undefined
    ),
    'eventLoop:delayMax': value(rounded(figures.delayMaxMs), 'ms'),
    'eventLoop:utilisation': value(Math.round(figures.utilisation * 1000) / 10, 'percent'),
    'heap:used': value(percent, 'percent', full ? `the heap is ${percent} % full` : undefined),
    'heap:limit': value(figures.heapLimitBytes, 'bytes'),
    'memory:resident': value(rssBytes, 'bytes'),
    'process:uptime': value(Math.round(uptimeMs / 1000), 's'),
    'health:threadRestarts': value(restarts, 'restarts')
  }
}

const rounded = (ms: number) => Math.round(ms * 100) / 100
